"""Thousands of tiny linear-algebra problems at once: batch-last arithmetic, kernels, chunks."""
