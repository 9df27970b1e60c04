"""A Stable Diffusion in miniature: a whole pipeline in the classes of diffusers and transformers, trained here.

In come the handwritten digits of ``testbed``; out comes the folder ``miniature-sd/``, which
``StableDiffusionPipeline.from_pretrained`` opens, and the figures that say how well it follows its prompts.
"""
