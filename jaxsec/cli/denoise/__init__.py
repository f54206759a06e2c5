"""`jaxsec denoise`: diffusion models that take a channel's noise away, trained and judged."""
