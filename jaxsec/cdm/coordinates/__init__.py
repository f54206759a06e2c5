"""How strategies are written as tables of numbers for a diffusion model, and read back."""
