"""The machine of a measurement, as recorded with the results."""

from __future__ import annotations

import platform
import re
from pathlib import Path


def cpu_name() -> str:
    """As the system calls it, with the widest vectors that it has."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:(.+)$", text, re.MULTILINE)
    has = set(flags[1].split()) if flags else set()
    wide = "AVX-512" if "avx512f" in has else "AVX2" if "avx2" in has else ""
    return f"{named[1] if named else platform.processor() or platform.machine()} {wide}".strip()
