"""Input and output of a method: model, calibration data and request in; masks, units or blocks out."""
