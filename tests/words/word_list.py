"""Words that the project does not use where a person reads, each with the field's term; ``make check`` runs this file.

The list holds phrases that hide the subject and have a standard term, and forms of numbers that have one spelling
here. A phrase that is right in its place stays with an exemption on its line, which says why::

    the two threads race for the lock  # words: a race condition, not a benchmark
    <!-- words: quoted from the paper --> "... prunes by lot"

Of Python, strings and comments are read, and of templates what is no tag; code is not.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

INSTEAD = {
    # how much is pruned
    r"by lot|lots (?:are|spread)|draws? lots|the lots": "random pruning, random masks",
    r"shares? (?:of zeros|pruned|that goes?|left out|from which)|(?:equal|searched) shares|by share": "sparsity",
    r"from \S+ ?% zeros on|zeros of ten": "sparsity, break-even sparsity",
    r"search for shares": "layer-wise sparsity search",
    # what is pruned
    r"decides? about": "granularity",
    r"(?:weights?|units?|blocks?|heads?|what|what may) (?:go|goes)": "pruned, removed",
    r"what is left|mak(?:es?|ing) up for": "remaining weights, weight update",
    r"mend(?:s|ed|ing)?|heal(?:s|ed|ing)?": "recover, fine-tune (a model); fix (input)",
    # what it costs
    r"network calls?|whole calls|calls? of (?:the|a) (?:network|model|unet|denoiser)": "forward pass, NFE",
    r"bit maps?": "bitmask",
    r"rivals?": "baselines, libraries compared",
    r"\d(?:\.\d+)? times (?:as fast|faster)": "1.3× speed-up",
    # what is shown
    r"pictures?": "image, sample",
    r"second[- ]hand": "secondary source",
    r"shown on(?= what|:)": "evaluated on",
    r"tells?|told": "report, list, show",
    r"stands? bare|stands? twice": "say what is wrong",
    # numbers
    r"\d[ \u00a0\u202f]%(?![}\w(])|per cent": "50%, without a space",
    r"\b\d+x\d+(?:x\d+)? (?:pixels?|images?|convolutions?)": "3×3",
}
"""Patterns by what to write instead; words are matched whole, in any case."""
WORDS = [
    (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])" if pattern[0] != "\\" else pattern, re.IGNORECASE), instead)
    for pattern, instead in INSTEAD.items()
]
EXEMPT = re.compile(r"words: \w\S* \w")
"""An exemption: the word, a colon, and a reason of two words at least."""

READ = (
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Makefile",
    "data/*.yaml",
    "data/models/*.yaml",
    "docs/**/*.md",
    "docs/assets/*.css",
    "docs/assets/*.js",
    "generator/**/*.py",
    "generator/templates/*.j2",
    "reference_impls/**/*.py",
    ".github/**/*.yml",
    ".github/*.md",
)
"""What people read of this repository: prose, pages, messages, help, docstrings."""


@dataclass(frozen=True)
class Found:
    """One word of the list in its place."""

    file: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        """The place, the word and the cure, on one line."""
        return (
            f"{self.file}:{self.line}: {self.word!r}: write {self.instead}, or give a reason: words: <why it is right>"
        )


def lines_read(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Number, whole line, and the part of it that people read."""
    lines = text.splitlines()
    if path.suffix == ".py":
        kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in kinds:
                # Before Python 3.12 an f-string is one token, with its code.
                said = re.sub(r"\{[^{}\n]*\}", "", token.string) if re.match(r"\w?[fF]", token.string) else token.string
                for offset, part in enumerate(said.splitlines()):
                    number = token.start[0] + offset
                    yield number, lines[number - 1], part
        return
    for number, line in enumerate(lines, start=1):
        yield number, line, re.sub(r"\{[{%#].*?[}%#]\}", "", line) if path.suffix == ".j2" else line


def find(path: Path, text: str) -> Iterator[Found]:
    """Words of the list in one file, without those that have an exemption on their line."""
    for number, line, part in lines_read(path, text):
        if EXEMPT.search(line):
            continue
        for pattern, instead in WORDS:
            for match in pattern.finditer(part):
                yield Found(str(path), number, match[0], instead)


def find_all() -> list[Found]:
    """Words of the list in all that people read here."""
    files = sorted({file for pattern in READ for file in ROOT.glob(pattern) if file.is_file()})
    return [one for file in files for one in find(file.relative_to(ROOT), file.read_text("utf-8"))]


def main() -> int:
    """Print every place; 1 if there is one."""
    found = find_all()
    for one in found:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"{len(found)} {'word' if len(found) == 1 else 'words'} of the list\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
