"""Symbols of a source-channel coder, denoised behind the channel: coder, training, judge."""
