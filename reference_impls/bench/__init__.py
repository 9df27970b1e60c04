"""The sparse kernels against dense and sparse libraries: ``python -m reference_impls bench``."""
