"""Two small class-conditional diffusion models on real digits, and everything to measure them with."""
