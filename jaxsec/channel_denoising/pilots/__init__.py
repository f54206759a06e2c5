"""Channel estimates from pilots, denoised: their source, the network, its training, its judge."""
