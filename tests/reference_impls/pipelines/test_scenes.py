"""Captions, images that are true to them, and the way back from an image to what it shows."""

import pytest
import torch

from reference_impls.pipelines.scenes import DIGITS, PLACES, SCENES, SIZES, WORDS, Scene, compose, look
from reference_impls.testbed import data


@pytest.mark.parametrize(
    ("scene", "size", "place", "caption"),
    [
        (Scene(3, "small", "on the left"), True, True, "a small three on the left"),
        (Scene(5, "large", "at the top"), True, False, "a large five"),
        (Scene(8, "large", "in the middle"), False, True, "an eight in the middle"),
        (Scene(7, "small", "at the bottom"), False, False, "a seven"),
    ],
)
def test_captions(scene: Scene, size: bool, place: bool, caption: str) -> None:
    assert scene.caption(size=size, place=place) == caption


def test_every_scene_has_a_caption_of_its_own() -> None:
    captions = {scene.caption() for scene in SCENES}
    assert len(captions) == len(SCENES) == len(DIGITS) * len(SIZES) * len(PLACES) == 100
    assert {word for caption in captions for word in caption.split()} | {"an"} == set(WORDS)


def dot() -> torch.Tensor:
    """An image whose only ink is the four pixels around its middle."""
    pixels = torch.full((1, 1, 16, 16), -1.0)
    pixels[:, :, 7:9, 7:9] = 1
    return pixels


@pytest.mark.parametrize(
    ("size", "place", "rows", "columns"),
    [
        ("small", "in the middle", (15, 16), (15, 16)),
        ("small", "on the left", (15, 16), (7, 8)),
        ("small", "at the bottom", (23, 24), (15, 16)),
        ("large", "in the middle", (14, 17), (14, 17)),
        ("large", "on the right", (14, 17), (18, 21)),
        ("large", "at the top", (10, 13), (14, 17)),
    ],
)
def test_ink_lies_where_the_caption_says(
    size: str, place: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    (image,) = compose(dot(), [Scene(0, size, place)])
    assert image.shape == (3, 32, 32)
    assert torch.equal(image[0], image[1])
    assert torch.equal(image[0], image[2])
    ink = (image[0] > 0).nonzero()
    assert (ink.min(0).values.tolist(), ink.max(0).values.tolist()) == (
        [rows[0], columns[0]],
        [rows[1], columns[1]],
    )


def test_looking_undoes_composing() -> None:
    """A one is thin and some digits lie off their middle: a few of a thousand held-out images are seen otherwise."""
    _, images = data.load("mnist16")
    labels = images.labels.tolist()
    scenes = [Scene(label, SIZES[n % 2], list(PLACES)[n // 2 % 5]) for n, label in enumerate(labels)]
    seen = look(compose(images.pixels, scenes))
    right = [scene.size == size for scene, size in zip(scenes, seen.sizes, strict=True)]
    assert sum(right) / len(right) > 0.99
    assert sum(scene.place == place for scene, place in zip(scenes, seen.places, strict=True)) / len(right) > 0.99
    error = (seen.crops - images.pixels).square().mean((1, 2, 3))
    assert error[right].median() < 0.02
    assert (error[[scene.size == "small" for scene in scenes]] < 1e-6).float().mean() > 0.5


def test_an_image_without_ink_is_looked_at_in_the_middle() -> None:
    seen = look(torch.full((1, 3, 32, 32), -1.0))
    assert (seen.sizes, seen.places) == (("small",), ("in the middle",))
    assert torch.equal(seen.crops, torch.full((1, 1, 16, 16), -1.0))


def test_one_scene_for_each_image() -> None:
    with pytest.raises(ValueError, match="1 images and 2 scenes; give one scene for each image"):
        compose(dot(), [Scene(0, "small", "on the left")] * 2)
