"""What a method is given and gives back: model, calibration and request in; masks, units or blocks out."""
