"""OPT's iteration unfolded: its steps with learned scalars (`steps`), and their training."""
