"""Calibration data: recorded inputs of forward passes, which any model can repeat, and the losses there."""
