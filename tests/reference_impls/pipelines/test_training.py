"""What the training of the miniature pipeline is made of; the pipeline itself has its own tests."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from reference_impls.pipelines import parts, train
from reference_impls.pipelines.scenes import PLACES, WORDS, Scene
from reference_impls.testbed.recipe import Recipe, rate_at


def test_every_word_is_one_token_and_others_are_spelled() -> None:
    words = parts.tokenizer()
    assert {word: len(words.tokenize(word)) for word in WORDS if len(words.tokenize(word)) != 1} == {}
    assert words.tokenize("A Seven") == ["a</w>", "seven</w>"]
    assert "".join(words.tokenize("purple")).replace("</w>", "") == "purple"
    assert sorted(words.get_vocab().values()) == list(range(len(words)))
    ids = words("a small three at the bottom", padding="max_length", max_length=parts.TOKENS).input_ids
    assert ids[0] == words.bos_token_id
    assert ids[7:] == [words.eos_token_id] * 3


def test_a_resumed_run_has_the_tokens_of_the_first(tmp_path: Path) -> None:
    """In another process the numbers of the tokens would differ, and a trained text encoder would read other words."""
    first = train.learned_words(tmp_path / "tokenizer")
    again = train.learned_words(tmp_path / "tokenizer")
    assert first.get_vocab() == again.get_vocab()
    assert again("a small three").input_ids == first("a small three").input_ids
    assert len(again.tokenize("seven")) == 1


def test_training_scenes_have_all_sizes_and_places_alike() -> None:
    labels = torch.arange(100) % 10
    image, scenes = train.training_scenes(labels, seed=0)
    assert [scene.digit for scene in scenes] == labels[image].tolist()
    assert Counter(scene.place for scene in scenes) == dict.fromkeys(PLACES, 60)
    assert min(Counter(scene.size for scene in scenes).values()) > 100
    assert {len({scenes[one].place for one in range(3 * n, 3 * n + 3)}) for n in range(100)} == {3}


def test_captions_are_true_and_leave_out_as_much_as_they_say() -> None:
    scene = Scene(8, "large", "at the top")
    given = Counter(train.captions([scene] * 4_000, torch.Generator().manual_seed(0)))
    assert set(given) == {
        "",
        *(scene.caption(size=size, place=place) for size in (True, False) for place in (True, False)),
    }
    assert given[""] / 4_000 == pytest.approx(train.NO_CAPTION, abs=0.02)
    assert given["an eight"] / 4_000 == pytest.approx(0.9 * train.NO_SIZE * train.NO_PLACE, abs=0.02)
    assert given["a large eight"] / 4_000 == pytest.approx(0.9 * 0.7 * train.NO_PLACE, abs=0.02)


def test_standardised_latents_give_the_same_images() -> None:
    torch.manual_seed(0)
    model = parts.vae().eval()
    pixels = torch.rand(16, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        before = model.encode(pixels).latent_dist
        wanted = model.decode(before.mean).sample
        given = train.standardise(model, before.mean)
        after = model.encode(pixels).latent_dist
        torch.testing.assert_close(after.mean, given, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(given.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
        torch.testing.assert_close(given.std((0, 2, 3)), torch.ones(4))
        torch.testing.assert_close(model.decode(after.mean).sample, wanted, rtol=1e-3, atol=1e-4)
        deviation = before.mean.std((0, 2, 3))[:, None, None]
        torch.testing.assert_close(after.std * deviation, before.std, rtol=1e-4, atol=1e-5)


def fitted(work: Path, recipe: Recipe, stop: int | None = None) -> tuple[torch.Tensor, list[float]]:
    """The averaged weight of a line that was fitted in a stage, and the losses; perhaps stopped before a step."""
    torch.manual_seed(0)
    line = nn.Linear(3, 1)
    stage = train.Stage("line", {"line": line}, recipe, work)
    for given in stage.losses():
        if stage.done == stop:
            break
        x = torch.randn(8, 3, generator=stage.generator)
        given.append((line(x) - x.sum(1, keepdim=True)).square().mean())
    return stage.average.state_dict()["line.weight"], stage.history


def test_a_stopped_stage_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = replace(train.DENOISER, steps=300, rate=0.05)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    whole = fitted(tmp_path / "one", recipe)
    fitted(tmp_path / "two", recipe, stop=150)
    weight, history = fitted(tmp_path / "two", recipe)
    assert torch.equal(weight, whole[0])
    assert history == whole[1]
    assert len(history) == 3
    torch.testing.assert_close(weight, torch.ones(1, 3), rtol=0, atol=0.05)


def test_the_rate_rises_and_falls() -> None:
    recipe = replace(train.DENOISER, steps=1_100, rate=1.0, warm_up=100)
    assert [rate_at(step, recipe) for step in (0, 49, 99, 100)] == pytest.approx([0.01, 0.5, 1, 1])
    assert rate_at(600, recipe) == pytest.approx(0.5)
    assert rate_at(1_100, recipe) == pytest.approx(0)


def test_the_text_encoder_learns_what_captions_say(tmp_path: Path) -> None:
    """Chance is log 11 + log 3 + log 6 = 5.3; the mean is that of the first hundred steps."""
    torch.manual_seed(0)
    words = parts.tokenizer()
    card = train.train_text_encoder(words, parts.text_encoder(words), replace(train.TEXT_ENCODER, steps=100), tmp_path)
    assert card["loss"][0] < 2
