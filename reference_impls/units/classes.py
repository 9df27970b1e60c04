"""The classes of diffusers that the methods take, as plain data: nothing here imports torch."""

CLASSES = (
    "UNet2DModel",
    "UNet2DConditionModel",
    "DiTTransformer2DModel",
    "SD3Transformer2DModel",
    "FluxTransformer2DModel",
)
