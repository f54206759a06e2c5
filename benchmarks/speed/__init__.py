"""How fast: each script times contenders in turns and, where it claims something, asserts it."""
