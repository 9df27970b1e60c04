"""Fixtures: the local arXiv, its clock, a client of both, and records."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from generator.arxiv.fetch import Arxiv
from generator.entries.model import ArxivRecord
from tests.arxiv.fake_arxiv import CONTACT, Clock, Server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(clock) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.release.set()
        running.shutdown()
        thread.join()
    assert all(gap >= 3.0 for gap in running.gaps()), running.gaps()


@pytest.fixture
def client(server: Server, clock: Clock) -> Arxiv:
    return Arxiv(CONTACT, endpoint=server.endpoint, clock=clock, sleep=clock.sleep)


@pytest.fixture
def record() -> Callable[..., ArxivRecord]:
    """Makes records."""

    def make(arxiv_id: str = "2305.10924", **changes: object) -> ArxivRecord:
        values: dict[str, object] = {
            "id": arxiv_id,
            "version": 2,
            "title": "Structural Pruning for Diffusion Models",
            "authors": ("Gongfan Fang", "Xinyin Ma", "Xinchao Wang"),
            "published": "2023-05-18",
            "updated": "2023-10-01",
            "primary_category": "cs.LG",
            "categories": ("cs.LG", "cs.CV"),
            "comment": "NeurIPS 2023",
            "source": "arxiv-api",
            "fetched_at": "2026-01-02",
        }
        return ArxivRecord.model_validate(values | changes)

    return make
