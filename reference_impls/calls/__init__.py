"""What a method looks at: recorded calls of a denoiser in; for any model, the same calls again and their losses out."""
