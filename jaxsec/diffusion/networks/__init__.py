"""Denoising networks, behind one interface (`table`)."""
