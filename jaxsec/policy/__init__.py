"""Policies that learn to act: deterministic, diffusion, and diffusion by a mixture of experts."""
