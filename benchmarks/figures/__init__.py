"""P1's figures, and what they leave open: distributions, latency, channels known with an error."""
