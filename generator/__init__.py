"""The catalogue's generator: data/*.yaml -> checked records -> build/docs -> build/site."""

__version__ = "0.1.0"
