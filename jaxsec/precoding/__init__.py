"""Classical designs: closed-form (`linear`), OPT (`gpip`), best known rates (`reference`)."""
