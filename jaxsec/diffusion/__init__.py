"""Denoising diffusion over arrays: nothing here knows what a radio is."""
