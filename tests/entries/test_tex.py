"""TeX in titles and names: what it says, and what is no TeX."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.checks.drafts import entry_files
from generator.entries.load_yaml import read
from generator.entries.plain_text import plain
from generator.entries.tex import settled_text, text_of

DATA = Path(__file__).parents[2] / "data"
READ = [
    # Of entries that we ship.
    ("D$^{3}$ToM: Decider", "D³ToM: Decider"),
    (r"$\text{S}^2$Q-VDiT", "S²Q-VDiT"),
    (r"Radial Attention: $O(n\log n)$ Sparse", "Radial Attention: O(n log n) Sparse"),
    ("Top-$k$ Selection", "Top-k Selection"),
    ("$f$-Divergence", "f-Divergence"),
    (r"PixArt-$\alpha$: Fast", "PixArt-α: Fast"),
    # Letters of both cases, symbols, scripts, formulas.
    (r"$\Delta$-DiT and $\Omega$", "Δ-DiT and Ω"),
    (r"$\epsilon$ $\varepsilon$ $\phi$ $\varphi$", "ε ε φ φ"),
    (r"A $\mu$P and ${\mu}$P and $\bm{\mu}$P", "A μP and μP and μP"),
    (r"2$\times$4, $10\times$ and $512 \times 512$", "2×4, 10× and 512 × 512"),
    (r"$\mathcal{O}(N^2)$ and $\mathcal O(\sqrt{N})$", "O(N²) and O(√(N))"),
    (r"$L_0$, $\ell_0$, $x_{t-1}$, $\mathbf{x}_t$", "L₀, ℓ₀, xₜ₋₁, xₜ"),
    (r"$x_{QK}$, $\epsilon_\theta$, $\pi_{0.5}$", "x_QK, ε_θ, π_0.5"),
    (r"$T^\star$, SDXS$^\dagger$, 4$^{th}$", "T⋆, SDXS†, 4ᵗʰ"),
    (r"\(x^2\) $\infty$ $\rightarrow$ $\leq$", "x² ∞ → ≤"),
    (r"E\textsuperscript{2} x\textsubscript{t}", "E² xₜ"),
    (r"$\{0,1\}$", "{0,1}"),
    # Accents, letters, styles, braces.
    (r"Schr\"odinger, Schr\"{o}dinger, Schr{\"o}dinger", "Schrödinger, Schrödinger, Schrödinger"),
    (r"\'{\i} \v{S} \c{c} Erd\H{o}s Poincar\'e", "í Š ç Erdős Poincaré"),
    (r"\L{}ukasz \o re {\ss} \AA", "Łukasz øre ß Å"),
    (r"{\it Pruning} \emph{a b} \textbf{Bold}", "Pruning a b Bold"),
    ("{D}iffusion {GAN}s", "Diffusion GANs"),
    (r"50\% of A \& B", "50% of A & B"),
    (r"K\"ahler's 50% ``x'' -- a_b", "Kähler's 50% ``x'' -- a_b"),
    # Characters of PDF files and word processors.
    ("E\ufb03cient Di\ufb00usion", "Efficient Diffusion"),
    ("U\u2011Net, Non\u2010breaking, soft\u00adhyphen", "U-Net, Non-breaking, softhyphen"),
    ("\u2206-DiT", "Δ-DiT"),
]
KEPT = [
    "From $0.01 to $5 an image",
    "Costs $5/$10",
    "100% sparse, a_b, x^2, A & B, C# ~ D",
    "Binary {0,1} weights",
    "C:\\Users",
    r"\input{/etc/passwd} $a_b$",
    r"\href{javascript:alert(4)}{x}",
    r"\unknown{x}",
    "\\",
    "$",
    "$$",
    "{",
    "}{",
    "{" * 3000 + "}" * 3000,
    "$" + "{" * 30 + "}" * 30 + "$",
    "E²Train µP Δ",
]


@pytest.mark.parametrize(("source", "text"), READ)
def test_what_tex_says(source: str, text: str) -> None:
    assert text_of(source) == text
    assert plain(source) == plain(text)


@pytest.mark.parametrize("source", KEPT)
def test_what_is_no_tex_stays(source: str) -> None:
    assert text_of(source) == source


PIECES = st.sampled_from(["$", "\\", "{", "}", "^", "_", r"\alpha", r"\text", r"\frac", r"\'", "%", "&", " ", "a", "2"])


@settings(max_examples=300, derandomize=True, database=None)
@given(st.lists(st.one_of(PIECES, st.characters(codec="utf-8")), max_size=20).map("".join))
def test_any_text_has_a_text(source: str) -> None:
    text = text_of(source)
    assert bool(text.strip()) or set(source) <= set("\u00ad \t\n\r") or not source.strip("\u00ad").strip()


@settings(max_examples=300, derandomize=True, database=None)
@given(st.lists(st.one_of(PIECES, st.characters(codec="utf-8")), max_size=20).map("".join))
def test_a_settled_text_stays(source: str) -> None:
    settled = settled_text(source)
    assert settled_text(settled) == settled
    assert text_of(settled) == text_of(source) or text_of(settled) == " ".join(text_of(source).split())


def test_every_shipped_title_is_in_normal_form() -> None:
    for _, file in entry_files(DATA):
        document, _ = read(file, file.name)
        assert document is not None
        for key in ("title", "short", "name"):
            value = document.data.get(key)
            assert value is None or text_of(value) == value
