"""What the miniature pipeline generates: one handwritten digit, small or large, in one of five places of an image.

A scene is a digit, its size and its place. Images are composed from the 16×16 images of ``testbed``, so every caption
is true: «a small three on the left» has a three of that size in that place; a caption may leave size or place out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch.nn import functional

SIDE = 32
"""Pixels of a side of an image."""
DIGIT_SIDE = 16
"""Pixels of a side of an image of ``mnist16``; a small digit keeps this size, a large one has twice the side."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZES = ("small", "large")
SHIFT: Mapping[str, int] = {"small": 8, "large": 4}
"""Pixels from the middle of the image to the middle of a digit that lies at a side."""
PLACES: Mapping[str, tuple[int, int]] = {
    "in the middle": (0, 0),
    "on the left": (0, -1),
    "on the right": (0, 1),
    "at the top": (-1, 0),
    "at the bottom": (1, 0),
}
"""Each place with its direction from the middle of the image: rows down, columns to the right."""
LARGEST_SMALL = 13
"""Pixels of the longest side of the ink up to which a digit counts as small."""
INK = 0.0
"""Grey level, of -1 to 1, above which a pixel counts as ink."""


@dataclass(frozen=True)
class Scene:
    """One thing to generate."""

    digit: int
    size: str
    place: str

    def caption(self, *, size: bool = True, place: bool = True) -> str:
        """In words, with or without the size and the place: «a small three on the left», «an eight»."""
        words = [self.size] * size + [DIGITS[self.digit]] + [self.place] * place
        return " ".join(["an" if words[0].startswith("e") else "a", *words])


SCENES: Sequence[Scene] = tuple(Scene(*parts) for parts in product(range(10), SIZES, PLACES))
"""All hundred, the place changing fastest."""
WORDS: Sequence[str] = tuple(
    dict.fromkeys(word for scene in SCENES for word in (*scene.caption().split(), *scene.caption(size=False).split()))
)
"""Every word of a caption, once."""


_BY_CAPTION: Mapping[str, Scene] = {
    scene.caption(size=size, place=place): scene
    for scene in SCENES
    for size in (True, False)
    for place in (True, False)
}


def scene_of(caption: str) -> Scene | None:
    """One of the scenes for which a caption is true; None for any other text."""
    return _BY_CAPTION.get(caption)


def compose(pixels: torch.Tensor, scenes: Sequence[Scene]) -> torch.Tensor:
    """The image of each scene.

    Args:
        pixels: (n, 1, 16, 16) in [-1, 1], the digit of each scene as ``testbed.data`` has it.
        scenes: n of them.

    Returns:
        (n, 3, 32, 32) in [-1, 1], grey: white ink on black.

    Raises:
        ValueError: there is not one scene for each image.
    """
    if len(pixels) != len(scenes):
        raise ValueError(f"{len(pixels)} images and {len(scenes)} scenes; give one scene for each image")
    images = torch.full((len(scenes), 1, SIDE, SIDE), -1.0)
    for size in SIZES:
        own = [index for index, scene in enumerate(scenes) if scene.size == size]
        drawn = pixels[own]
        if size == "large":
            drawn = functional.interpolate(drawn, scale_factor=2, mode="bilinear", align_corners=False)
        margin = (SIDE - drawn.shape[-1]) // 2 + SHIFT[size]
        wide = functional.pad(drawn, (margin,) * 4, value=-1.0)  # then each scene is a window of 32x32 in it
        for index, one in zip(own, wide, strict=True):
            down, right = (SHIFT[size] * (1 - direction) for direction in PLACES[scenes[index].place])
            images[index] = one[:, down : down + SIDE, right : right + SIDE]
    return images.expand(-1, 3, -1, -1).contiguous()


@dataclass(frozen=True)
class Seen:
    """What an image shows."""

    crops: torch.Tensor
    """(n, 1, 16, 16) in [-1, 1]: the digit in the size and place of ``mnist16``, for its classifier."""
    sizes: Sequence[str]
    places: Sequence[str]


def look(images: torch.Tensor) -> Seen:
    """Find the digit in each image, and undo its size and place.

    The size follows from the longest side of the ink, the place from the centre of mass, which is the middle of every
    image of ``mnist16``. An image without ink counts as a small digit in the middle; its crop is what lies there.

    Args:
        images: (n, 3, 32, 32) in [-1, 1].
    """
    grey = images.mean(1, keepdim=True)
    crops, sizes, places = [], [], []
    for one in grey:
        ink = one[0] > INK
        rows, columns = (ink.any(axis).nonzero().flatten() for axis in (1, 0))
        longest = max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1 if len(rows) else 0
        size = "small" if longest <= LARGEST_SMALL else "large"
        off = _centre_of_mass(one[0]) if len(rows) else (0.0, 0.0)
        sizes.append(size)
        places.append(min(PLACES, key=lambda place: _distance(off, PLACES[place], SHIFT[size])))
        crops.append(_crop(one, off, size))
    return Seen(torch.stack(crops), tuple(sizes), tuple(places))


def _centre_of_mass(grey: torch.Tensor) -> tuple[float, float]:
    """Rows down and columns to the right of the middle of the image, in pixels."""
    weight = (grey + 1).clamp(min=0.2) - 0.2  # an almost black background weighs nothing
    along = torch.arange(SIDE) - (SIDE - 1) / 2
    total = weight.sum()
    return float((weight.sum(1) * along).sum() / total), float((weight.sum(0) * along).sum() / total)


def _distance(off: tuple[float, float], direction: tuple[int, int], shift: int) -> float:
    return (off[0] - shift * direction[0]) ** 2 + (off[1] - shift * direction[1]) ** 2


def _crop(grey: torch.Tensor, off: tuple[float, float], size: str) -> torch.Tensor:
    """(1, 16, 16): the window around the digit, at half the side where it is large."""
    side = DIGIT_SIDE * (1 if size == "small" else 2)
    wide = functional.pad(grey, (SIDE,) * 4, value=-1.0)
    down, right = (SIDE + SIDE // 2 + round(part) - side // 2 for part in off)
    window = wide[:, down : down + side, right : right + side]
    return window if size == "small" else functional.avg_pool2d(window, 2)
