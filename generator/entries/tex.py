"""Titles and names in one normal form: Unicode text in place of the TeX, ligatures and hyphens of their sources.

Only what is certainly TeX is changed: pairs of dollar signs around a formula, known commands, accents, and braces
around a word. A text with a command that nobody knows, or with an odd brace, stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

MAX_LENGTH = 1000
"""A longer text is no title, and is left alone."""
MAX_DEPTH = 20
"""Of braces, likewise."""

SIMPLE = {
    **{chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)},
    "\u2010": "-",
    "\u2011": "-",
    "\u00ad": "",
    "\u2206": "\u0394",
}
"""Ligatures, special hyphens and the sign that looks like a Greek letter, and what is written instead."""
_GREEK_VARIANTS = {"ϵ": "ε", "ϕ": "φ", "ϑ": "θ", "ϱ": "ρ", "ϰ": "κ", "ϖ": "π"}

RAISED = {
    **dict(zip("0123456789+-=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾", strict=True)),
    **dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)),
    **dict(zip("ABDEGHIJKLMNOPRTUVW", "ᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ", strict=True)),
}
"""Characters that exist as superscripts."""
LOWERED = {
    **dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True)),
    **dict(zip("aehijklmnoprstuvxβγρφχ", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True)),
}
"""Characters that exist as subscripts."""
_ALREADY_RAISED = frozenset("*′∗⋆†‡°")

_GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_MATH = re.compile(r"(?<!\\)(\$\$?)((?:[^$\\]|\\.)+?)\1|\\\((.+?)\\\)")
_LOOKS_LIKE_MATH = re.compile(r"[\\^_{]")
_SCRIPT = re.compile(rf"([_^])\s*({_GROUP}|\\[A-Za-z]+(?:{_GROUP})?|[^\s\\{{}}])")
_TEXT_SCRIPT = re.compile(rf"\\text(super|sub)script\s*({_GROUP})")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_STYLES = (
    *(f"{kind}{face}" for kind in ("math", "text") for face in ("bf", "rm", "sf", "it", "tt", "sc", "sl", "md", "up")),
    *(
        "mathcal",
        "mathbb",
        "mathfrak",
        "mathscr",
        "mathnormal",
        "boldsymbol",
        "bm",
        "pmb",
        "bf",
        "rm",
        "sf",
        "it",
        "tt",
    ),
    *("sc", "sl", "em", "cal", "emph", "text", "mbox", "hbox", "operatorname", "ensuremath", "xspace", "displaystyle"),
    *("limits", "left", "right", "big", "Big"),
)
"""Commands that change how text looks, and not what it says."""
_STYLE = re.compile(rf"\\(?:{'|'.join(_STYLES)})(?![A-Za-z])\*?\s*")
_BINARY = re.compile(r" ([×·±∓∗≤≥≈≠→←∈=<>+]) ?(?=\S)")
_OPERATOR = re.compile(r"\\(log|ln|lg|exp|min|max|sup|inf|arg(?:min|max)?|lim|sin|cos|tan|det|dim|deg|mod)(?![A-Za-z])")
_BRACED_WORD = re.compile(r"\{([A-Za-z][\w-]*)\}")
_LITERAL = re.compile(r"(?<!\\)[%#&~^_`'\"-]")
"""Characters outside of formulas that TeX reads in its own way, and people do not."""
_PRIVATE = 0xE000


_VARIANTS = {"epsilon": "varepsilon", "phi": "varphi", "final sigma": "varsigma", "omicron": ""}
_LIKE_LATIN = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΧ")


def _greek() -> Iterator[tuple[str, str]]:
    for letter in map(chr, range(0x391, 0x3CA)):
        name = unicodedata.name(letter, "").lower().rpartition("letter ")[2].replace("lamda", "lambda")
        command = _VARIANTS.get(name, name)
        if command and letter not in _LIKE_LATIN:
            yield letter, f"\\{command.capitalize() if letter.isupper() else command}"


SIGNS = {
    **dict(_greek()),
    "×": r"\times",
    "·": r"\cdot",
    "±": r"\pm",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "∞": r"\infty",
    "→": r"\rightarrow",
    "←": r"\leftarrow",
    "∈": r"\in",
    "∇": r"\nabla",
    "∂": r"\partial",
    "∑": r"\sum",
    "∏": r"\prod",
    "ℓ": r"\ell",
    "⋆": r"\star",
    "†": r"\dagger",
    "⊙": r"\odot",
    "⊕": r"\oplus",
    "⊗": r"\otimes",
    "∩": r"\cap",
    "∪": r"\cup",
    "⊂": r"\subset",
    "⊆": r"\subseteq",
}
"""Letters and signs that pdfTeX prints only in a formula, with their commands."""
_MOVED_SIGNS = {
    moved: (sign, plain) for sign, table in (("^", RAISED), ("_", LOWERED)) for plain, moved in table.items()
}
_TO_TEX = re.compile(f"[{''.join([*SIGNS, *_MOVED_SIGNS])}]+")


def tex_of(text: str) -> str:
    """Text for TeX: letters and signs that it prints only in a formula are put into one; all else stays as it is."""
    return _TO_TEX.sub(lambda found: f"${''.join(_tex(found[0]))}$", text)


def _tex(signs: str) -> Iterator[str]:
    for sign, group in groupby(signs, key=lambda one: _MOVED_SIGNS.get(one, ("", ""))[0]):
        if sign:
            inner = "".join(_MOVED_SIGNS[one][1] for one in group)
            yield f"{sign}{{{''.join(SIGNS.get(one, one) for one in inner)}}}"
        else:
            yield from (SIGNS[one] for one in group)


@lru_cache(maxsize=8192)
def text_of(source: str) -> str:
    """The text without TeX, ligatures and special hyphens; all else stays as it is."""
    text = "".join(SIMPLE.get(character, character) for character in source)
    if not text.strip():
        return source
    if not any(sign in text for sign in "\\${") or len(text) > MAX_LENGTH:
        return text
    if not _balanced(text) or not {*_COMMAND.findall(text)} <= _known_commands():
        return text
    try:
        changed = _converted(text)
    except (ValueError, IndexError, AttributeError, RecursionError):  # of the parser, on what is no TeX
        return text
    return unicodedata.normalize("NFC", changed) if changed.strip() else text


def settled_text(source: str) -> str:
    """The text as ``text_of`` gives it, where reading it again changes nothing; else the source.

    Only that may be written into a file: dollar signs that TeX has as text would begin a formula there.
    """
    text = " ".join(text_of(source).split())
    return text if text and text_of(text) == text and unicodedata.is_normalized("NFC", text) else source


def _converted(text: str) -> str:
    parts, end = [], 0
    for found in _MATH.finditer(text):
        inner = found[2] or found[3]
        if found[2] and not _is_math(inner, text[found.end() :]):
            continue
        parts += [_outside(text[end : found.start()]), _formula(inner)]
        end = found.end()
    return "".join([*parts, _outside(text[end:])])


def _is_math(inner: str, rest: str) -> bool:
    """Dollar signs around a formula, not two prices."""
    if _LOOKS_LIKE_MATH.search(inner):
        return True
    return inner == inner.strip() and not rest[:1].isdigit()


def _outside(text: str) -> str:
    """What is not in a formula."""
    if "\\" not in text:
        return _BRACED_WORD.sub(r"\1", text)
    text = _TEXT_SCRIPT.sub(lambda found: _moved("^" if found[1] == "super" else "_", found[2][1:-1]), text)
    kept = _LITERAL.sub(lambda found: chr(_PRIVATE + ord(found[0])), _unstyled(text))
    lead, trail = kept[: len(kept) - len(kept.lstrip())], kept[len(kept.rstrip()) :]
    read = lead + _parsed(kept.strip()) + trail if kept.strip() else kept
    return re.sub(r"[\ue000-\ue0ff]", lambda found: chr(ord(found[0]) - _PRIVATE), read)


def _formula(text: str) -> str:
    text = _OPERATOR.sub(r" \1 ", _unstyled(text))
    before = None
    while before != text:
        before = text
        text = _SCRIPT.sub(lambda found: _moved(found[1], _formula(found[2].removeprefix("{").removesuffix("}"))), text)
    read = _parsed(text).replace("'", "′")
    read = read.translate({_PRIVATE + ord(sign): sign for sign in "_^"})
    read = _BINARY.sub(r" \1 ", " ".join(read.split()))
    return re.sub(r"\s+(?=[()\[\],^_])|(?<=[(\[])\s+", "", read)


def _unstyled(text: str) -> str:
    return _STYLE.sub(lambda found: "" if found.string[found.end() : found.end() + 1] == "{" else "{}", text)


def _moved(sign: str, text: str) -> str:
    """Text as superscript or subscript where all of it exists as one, else after the sign."""
    table = RAISED if sign == "^" else LOWERED
    text = text.strip()
    if text and all(character in table for character in text):
        return "".join(table[character] for character in text)
    if sign == "^" and text and set(text) <= _ALREADY_RAISED:
        return text
    return chr(_PRIVATE + ord(sign)) + (text if re.fullmatch(r"\W?|[\w.]+", text) else f"({text})")


def _parsed(text: str) -> str:
    return "".join(_GREEK_VARIANTS.get(c, c) for c in str(_converter().latex_to_text(text))).replace("\xa0", " ")


def _balanced(text: str) -> bool:
    depth = 0
    for sign in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if sign == "{" else -1
        if not 0 <= depth <= MAX_DEPTH:
            return False
    return depth == 0


@cache
def _converter() -> LatexNodes2Text:
    # Imported late: most titles have no TeX, and the tables take longer to load than a title to read.
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=True)


@cache
def _known_commands() -> frozenset[str]:
    """Commands that stand for text or a sign. Files, addresses and definitions are none of ours."""
    from pylatexenc.latex2text import get_default_latex_context_db

    database = get_default_latex_context_db()
    names = {spec.macroname for spec in database.iter_macro_specs()}
    refused = {"input", "include", "href", "url", "includegraphics", "footnote", "title", "author", "begin", "end"}
    return frozenset(names.union(_STYLES, ("textsuperscript", "textsubscript", "argmin", "argmax"))) - refused
