"""Policies and their training, for any environment."""
