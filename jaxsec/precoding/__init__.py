"""Classical designs: closed-form (`linear`), OPT (`gpip`), and the best known rates (`reference`)."""
