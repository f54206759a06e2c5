"""What every training shares: state, loop, checkpoints, devices."""
