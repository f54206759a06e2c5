"""Cooperative friendly jamming, P2: environments, metrics, and what the optimum is."""
