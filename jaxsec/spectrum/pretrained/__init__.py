"""Shipped weights with their card (`jaxsec.spectrum.file`); Apache-2.0, as the code."""
