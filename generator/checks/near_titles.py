"""Two entries of one kind with nearly the same title are one entry, or must be made distinguishable."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from rapidfuzz import fuzz, process

from generator.checks.draft import Context, Draft
from generator.entries.problem import Code, Problem
from generator.entries.tex import text_of

CODES = (
    Code(
        "E502",
        "No two titles of one kind of entry are equal or nearly equal.",
        wrong="two entries called «Structural Pruning for Diffusion Models»",
        right="one entry; a former title goes into aliases",
    ),
)

NEAR = 96.0
RARE_WORDS = 4


def key_of(title: str) -> str:
    """Title in the form in which look-alikes are equal: NFKC, folded, confusable letters as Latin ones."""
    text = unicodedata.normalize("NFKC", text_of(title)).casefold()
    if not text.isascii():
        text = _skeleton(text)
    return " ".join(re.findall(r"\w+|\+", text))


def _skeleton(text: str) -> str:
    # Imported late: the tables of confusable letters take longer to load than all ASCII titles to compare.
    from confusable_homoglyphs import confusables

    plain = []
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            continue
        confusable = (
            not character.isascii()
            and character.isalpha()
            and confusables.is_confusable(character, preferred_aliases=["latin"])
        )
        plain.append(
            confusable[0]["homoglyphs"][0]["c"]
            if confusable and len(confusable[0]["homoglyphs"][0]["c"]) == 1
            else character
        )
    return "".join(plain).casefold()


def check_all(drafts: Sequence[Draft], _context: Context) -> Iterator[Problem]:
    """Compares only titles that share two of their rarest words, so that the cost stays linear."""
    for kind in ("papers", "tools", "articles", "models"):
        titled = [(draft, key_of(_title(draft))) for draft in drafts if draft.kind == kind]
        yield from _compare([(draft, key) for draft, key in titled if key])


def _compare(titled: list[tuple[Draft, str]]) -> Iterator[Problem]:
    frequency = Counter(word for _, key in titled for word in set(key.split()))
    exact: dict[str, Draft] = {}
    buckets: dict[tuple[str, str], list[tuple[Draft, str]]] = defaultdict(list)
    for draft, key in titled:
        first = exact.setdefault(key, draft)
        if first is not draft:
            yield _problem(draft, first)
            continue
        rare = sorted(set(key.split()), key=lambda word: (frequency[word], word))[:RARE_WORDS]
        reported = False
        for pair in combinations(sorted(rare), 2):
            for other, other_key in buckets[pair][:50]:
                if (
                    not reported
                    and fuzz.ratio(key, other_key, score_cutoff=NEAR)
                    and numbers_of(key) == numbers_of(other_key)
                ):
                    reported = True
                    yield _problem(draft, other)
            buckets[pair].append((draft, key))


def nearest_title(draft: Draft, drafts: Sequence[Draft]) -> tuple[Draft, float] | None:
    """The other entry of its kind whose title is most like that of an entry, and how much, from 0 to 100."""
    own = key_of(_title(draft))
    others = {
        one.path: (one, key_of(_title(one))) for one in drafts if one.kind == draft.kind and one.path != draft.path
    }
    best = process.extractOne(own, {path: key for path, (_, key) in others.items()}, scorer=fuzz.ratio) if own else None
    return (others[best[2]][0], float(best[1])) if best else None


def _title(draft: Draft) -> str:
    return draft.text("title") or draft.text("name") or ""


def numbers_of(key: str) -> list[str]:
    """``Part 1`` and ``Part 2``, ``I`` and ``II``, ``Wanda`` and ``Wanda++`` are two works, however alike."""
    return re.findall(r"v?\d+|\b[ivx]+\b|\+", key)


def _problem(draft: Draft, first: Draft) -> Problem:
    field = "title" if "title" in draft.data else "name"
    message = f"{field} {draft.text(field)!r} equals, or nearly equals, that of {first.path}"
    return draft.problem("E502", (field,), message, "keep one entry; a new version goes into aliases or superseded_by")
