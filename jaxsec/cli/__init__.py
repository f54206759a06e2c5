"""The command line: one file a command, parsed by tyro, put together in `__main__`."""
