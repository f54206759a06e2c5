"""Commands of `jaxsec spectrum`."""
