"""The Chromium that the tests of the site drive: found, or else installed by the nearest means.

``python tests/site/browser.py`` is run before the tests; it says in one line each what it does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # root cannot use the sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class BrowserMissing(Exception):
    """There is no browser, and none could be installed."""


def find_browser() -> Path:
    """An installed Chromium, or the one that Playwright keeps.

    Raises:
        BrowserMissing: there is none that starts.
    """
    for file in _candidates():
        if _starts(file):
            return file
    raise BrowserMissing("no Chromium that starts; `python tests/site/browser.py` installs one")


def _candidates() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    from playwright.sync_api import sync_playwright  # late: starting it costs a process

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    if own.is_file():
        yield own


def _starts(file: Path) -> bool:
    """Some systems ship a command of this name that only tells how to install the real one."""
    try:
        return subprocess.run([file, "--version"], capture_output=True, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _recipes() -> Iterator[tuple[str, ...]]:
    """Commands that install a browser, in the order in which they are tried."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        yield ("sh", "-c", "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium")
    yield (sys.executable, "-m", "playwright", "install", "chromium")


def say(text: str) -> None:
    sys.stdout.write(f"browser: {text}\n")
    sys.stdout.flush()


def main() -> int:
    """Find a browser or install one; 0 if there is one in the end."""
    try:
        say(f"{find_browser()}")
        return 0
    except BrowserMissing:
        pass
    for command in _recipes():
        say(f"none found, running {command[-1] if command[0] == 'sh' else ' '.join(command)}")
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            say(f"that ended with {done.returncode}: {last}")
            continue
        try:
            say(f"{find_browser()}")
            return 0
        except BrowserMissing:
            say("that installed none that starts")
    say("there is none; install Chromium by hand and run this again")
    return 1


if __name__ == "__main__":
    sys.exit(main())
