"""Files that editors and systems leave beside those of a person: no part of the catalogue, and in `.gitignore`."""

from __future__ import annotations

from fnmatch import fnmatchcase

LEFTOVERS = (
    ".arxiv.lock",
    ".DS_Store",
    "._*",
    "__MACOSX",
    "Thumbs.db",
    "ehthumbs.db",
    "[Dd]esktop.ini",
    ".directory",
    ".nfs*",
    ".fuse_hidden*",
    ".~lock.*#",
    ".#*",
    "#*#",
    "*~",
    ".*.sw[a-p]",
    ".*.un~",
    "*.orig",
    "*.rej",
    "*.bak",
    "*.save",
    "*.tmp",
    ".*.kate-swp",
    "~$*",
    ".AppleDouble",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    ".syncthing.*.tmp",
    ".idea",
    ".vscode",
)
"""Names, as patterns of `.gitignore`."""
KEPT = (".gitkeep", ".keep")
"""Of empty folders; in Git, and no entry."""


def is_leftover(name: str) -> bool:
    """Whether the name of a file or folder is one of these."""
    return any(fnmatchcase(name, pattern) for pattern in (*LEFTOVERS, *KEPT))
