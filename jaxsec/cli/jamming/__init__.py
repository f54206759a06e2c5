"""Commands of `jaxsec jamming`."""
