"""Commands of `jaxsec anomaly`."""
