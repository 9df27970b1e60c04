"""Searches: pages, nothing found, what arXiv does wrong, and which results are good."""

from __future__ import annotations

import pytest

from generator.arxiv.fetch import MOST_RESULTS, PAGE, Arxiv, BadAnswerError, NoAnswerError, RefusedIdError
from generator.arxiv.fetch import Page as ResultPage
from tests.arxiv.fake_arxiv import TODAY, Clock, Reply, Server, entry, feed, recorded

QUERY = '(ti:pruning OR abs:"sparse attention") AND cat:cs.LG'


def search(client: Arxiv, most: int = MOST_RESULTS) -> list[ResultPage]:
    return list(client.search(QUERY, TODAY, most=most))


def ids(pages: list[ResultPage]) -> list[str]:
    return [found.record.id for page in pages for found in page.results]


def many(number: int) -> list[str]:
    return [entry(f"2401.{one:05}") for one in range(1, number + 1)]


def test_one_page(server: Server, client: Arxiv) -> None:
    server.results = [entry("2401.00002", summary="We  prune\n it."), entry("2401.00001")]
    (page,) = search(client)
    assert (page.start, page.total, page.faults) == (0, 2, ())
    assert [(found.record.id, found.abstract) for found in page.results] == [
        ("2401.00002", "We prune it."),
        ("2401.00001", ""),
    ]
    assert [asked.search for asked in server.asked] == [QUERY]


@pytest.mark.parametrize("recording", ["ap-10-query-testing-page0-10.json", "xiv-2025-search-2-entries.xml"])
def test_recorded_searches_of_both_layouts(server: Server, client: Arxiv, recording: str) -> None:
    server.say(Reply(recorded(recording)))
    page = next(client.search(QUERY, TODAY))
    assert page.total > len(page.results) > 1
    assert page.faults == ()
    assert all(len(found.abstract) > 100 and "\n" not in found.abstract for found in page.results)


def test_pages_are_read_to_the_end(server: Server, client: Arxiv) -> None:
    server.results = many(2 * PAGE + 1)
    pages = search(client)
    assert [asked.start for asked in server.asked] == [0, PAGE, 2 * PAGE]
    assert [len(page.results) for page in pages] == [PAGE, PAGE, 1]
    assert len(set(ids(pages))) == 2 * PAGE + 1


def test_two_thousand_results_are_read_and_no_more(server: Server, client: Arxiv) -> None:
    server.results = many(MOST_RESULTS + 300)
    pages = search(client)
    assert len(ids(pages)) == MOST_RESULTS
    assert pages[0].total == MOST_RESULTS + 300
    assert len(server.asked) == MOST_RESULTS // PAGE


def test_an_empty_week_is_asked_twice(server: Server, client: Arxiv) -> None:
    (page,) = search(client)
    assert (page.total, page.results) == (0, ())
    assert len(server.asked) == 2


def test_an_empty_page_of_many_results_is_no_end(server: Server, client: Arxiv) -> None:
    """arXiv sometimes answers so in the middle of a search."""
    server.results = many(PAGE + 5)
    first, empty = Reply(feed(*server.results[:PAGE], total=PAGE + 5)), Reply(feed(total=PAGE + 5))
    server.say(first, empty, empty)
    assert len(ids(search(client))) == PAGE + 5
    assert [asked.start for asked in server.asked] == [0, PAGE, PAGE, PAGE]


def test_an_empty_page_for_ever_is_an_error(server: Server, client: Arxiv) -> None:
    server.say(*[Reply(feed(total=7))] * 5)
    with pytest.raises(BadAnswerError, match="contains no paper: '0 of 7 results read'"):
        search(client)


def test_a_request_to_slow_down(server: Server, client: Arxiv, clock: Clock) -> None:
    server.results = many(2)
    server.say(Reply(b"Rate exceeded.", status=429, kind="text/plain", headers={"Retry-After": "40"}))
    assert len(ids(search(client))) == 2
    assert any(slept >= 40 for slept in clock.slept)


def test_a_truncated_page_is_asked_for_again(server: Server, client: Arxiv) -> None:
    server.results = many(2)
    server.say(Reply(feed(*server.results)[:-30]))
    assert len(ids(search(client))) == 2
    assert len(server.asked) == 2


def test_what_was_read_before_arxiv_stops_is_kept(server: Server, client: Arxiv) -> None:
    server.say(Reply(feed(*many(PAGE), total=500)), *[Reply(b"", status=503)] * 5)
    found = client.search(QUERY, TODAY)
    assert len(next(found).results) == PAGE
    with pytest.raises(NoAnswerError, match="arXiv is busy: '503 Service Unavailable'"):
        next(found)


def test_a_query_that_arxiv_does_not_understand(server: Server, client: Arxiv) -> None:
    server.say(Reply(recorded("ap-07-id-abc-http400-error.json"), status=400))
    with pytest.raises(RefusedIdError, match="arXiv answers with an error"):
        search(client)


def test_a_bad_result_costs_no_other(server: Server, client: Arxiv) -> None:
    nameless = entry("2401.00002").replace("Ada Example", " ")
    strange = entry("2401.00003").replace("arxiv.org/abs/2401.00003", "arxiv.org/abs/../../x")
    server.results = [entry("2401.00001"), nameless, strange, entry("2401.00004", title="&lt;b&gt;\u202e x")]
    (page,) = search(client)
    assert ids([page]) == ["2401.00001", "2401.00004"]
    assert page.results[1].record.title == "<b> x"
    assert [(fault.code, fault.value[-12:]) for fault in page.faults] == [
        ("E601", "2401.00002"),
        ("E602", "abs/../../xv1"[-12:]),
    ]
