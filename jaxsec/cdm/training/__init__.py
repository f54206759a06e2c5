"""Expert data, pre-training on it, and fine-tuning on the secrecy rate."""
