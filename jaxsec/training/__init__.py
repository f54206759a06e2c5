"""Expert data, training loops and checkpoints."""
