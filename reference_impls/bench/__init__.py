"""The kernels against everything that pip can install, side by side: ``python -m reference_impls bench``."""
