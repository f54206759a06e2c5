"""Commands of `jaxsec semantic`."""
