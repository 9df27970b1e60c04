"""How models and data sets are called: which spellings mean the same, and which names name one thing at all.

Most differences of spelling go away by rule (``name_key``): case, spaces and hyphens, ``v1.5`` for ``1.5``,
``256x256`` for ``256``. What no rule can know stands in the two tables. To add a spelling, write it beside the name
that the site shows; a name whose other spelling is not certain to mean the same stays apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

MODELS: Mapping[str, tuple[str, ...]] = {
    "FLUX.1-dev": ("FLUX-dev",),
    "FLUX.1-schnell": ("FLUX-schnell",),
    "HunyuanVideo": ("HunyuanVideo-13B",),
    "SD3-Medium": ("Stable Diffusion 3 Medium", "SD3-M"),
    "SD3.5-Large": ("Stable Diffusion 3.5 Large", "SD3.5-L"),
    "SDXL": ("Stable Diffusion XL", "SDXL 1.0", "SDXL-Base-1.0"),
    "Stable Diffusion v1.4": ("SD v1.4",),
    "Stable Diffusion v1.5": ("SD v1.5",),
    "Stable Diffusion v2.1": ("SD v2.1",),
    "Stable Diffusion v2.1-base": ("SD v2.1-base",),
    "Stable Diffusion 3": ("SD3",),
    "Stable Diffusion 3.5": ("SD3.5",),
    "Stable Video Diffusion": ("SVD",),
    "Wan2.1-1.3B": ("Wan2.1-T2V-1.3B",),
    "Wan2.1-14B": ("Wan2.1-T2V-14B",),
}
"""Name that the site shows -> other names of the same model."""

DATASETS: Mapping[str, tuple[str, ...]] = {
    "MS-COCO": ("COCO", "Microsoft COCO"),
    "MS-COCO 2014": ("COCO 2014", "COCO 2014 validation", "MS-COCO 2014 validation"),
    "MS-COCO 2017": ("COCO 2017", "COCO 2017 validation", "MS-COCO 2017 validation"),
    "MS-COCO 2017 5K": ("COCO 2017-5K",),
    "MS-COCO 2014 30K": ("COCO 2014-30K",),
    "MS-COCO 30K": ("COCO 30K",),
    "MS-COCO 5K": ("COCO 5K",),
    "LSUN Bedroom": ("LSUN Bedrooms",),
    "LSUN Bedroom 256": ("LSUN Bedrooms 256",),
    "LSUN Church": ("LSUN Churches",),
    "LSUN Church 256": ("LSUN Churches 256",),
}
"""Name that the site shows -> other names of the same data set."""

_GREEK = str.maketrans({"α": "alpha", "β": "beta", "δ": "delta", "σ": "sigma", "ς": "sigma"})
# A kind of model, or several models: "video diffusion models", "Wan2.1 / HunyuanVideo", "SDXL and FLUX".
_KIND = re.compile(r"^[a-z]{3,}\b| / |, | and | or |\bmodels\b")


def name_key(name: str) -> str:
    """What the spellings of a name have in common, before the tables are asked."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_GREEK).replace("×", "x")
    text = re.sub(r"(?<!\d)(\d{1,5}) ?x ?\1(?!\d)", r"\1", text)
    text = re.sub(r"(?<=\d) ?(px|pixels)\b", "", text)
    text = re.sub(r"(?<![a-z])v(?=\d)", "", text)
    text = re.sub(r"(?<=\d)[^\w.]+(?=\d)", "-", text)
    text = re.sub(r"(?<!\d)-|-(?!\d)|[^\w.-]|_", "", text)
    return re.sub(r"(?<!\d)\.|\.(?!\d)", "", text)


class Names:
    """The spellings of one table."""

    def __init__(self, table: Mapping[str, tuple[str, ...]]) -> None:
        """Read a table.

        Raises:
            ValueError: a spelling stands twice, or the rule of ``name_key`` covers it.
        """
        self._shown = {name_key(name): name for name in table}
        self._key = {key: key for key in self._shown}
        for name, others in table.items():
            for other in others:
                key = name_key(other)
                if key in self._key:
                    raise ValueError(f"{other!r} already means {self._shown[self._key[key]]!r}")
                self._key[key] = name_key(name)

    def key(self, name: str | None) -> str:
        """Equal for all spellings of one name; empty where there is none."""
        key = name_key(name or "")
        return self._key.get(key, key)

    def shown(self, key: str, spellings: Mapping[str, int]) -> str:
        """The name that the site shows: the one of the table, or else the most frequent of the ``spellings``."""
        return self._shown.get(key) or min(spellings, key=lambda spelling: (-spellings[spelling], spelling))


MODEL_NAMES, DATASET_NAMES = Names(MODELS), Names(DATASETS)


def names_one_model(name: str) -> bool:
    """Whether a name names one model, not a kind of model or several of them."""
    return not _KIND.search(name)


def address_part(name: str) -> str:
    """A name as a part of an address; empty if nothing of it can stand there."""
    text = name.casefold().translate(_GREEK).replace("×", "x")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", text)[:80].strip("-")
