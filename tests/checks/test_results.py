"""Ranges, comparisons, hardware, places, repetition."""

from __future__ import annotations

import pytest

from generator.checks import results
from tests.conftest import Checker

PATH = "data/papers/2023/x.yaml"
PLACES = f"write abstract, Table 1, Figure 2, Section 3, Appendix A, {', '.join(results.PLACES)}"


def configuration(after: str = "{fid: 2}", **fields: str) -> str:
    """A fragment with one configuration; an empty field is left out."""
    given = {"model": "m", "setting": "s", "where": "Table 1", **fields, "after": after}
    return "results:\n  - {" + ", ".join(f"{key}: {value}" for key, value in given.items() if value) + "}"


BAD = [
    (
        configuration("{compression: 2}", before="{compression: 1}"),
        "6:53: error[E231]: compression is relative to the baseline, but before gives 1",
        "delete it from before",
    ),
    (
        configuration("{parameter-reduction: 130}"),
        "6:73: error[E232]: parameter-reduction of 130%",
        "write a percentage from 0 to 100",
    ),
    (
        configuration("{parameter-reduction: up to -1}"),
        "6:73: error[E232]: parameter-reduction of up to -1%",
        "write a percentage from 0 to 100",
    ),
    (configuration("{compression: 0}"), "6:65: error[E232]: compression of 0 ×", "write a value above 0"),
    (configuration("{fid: -3}"), "6:57: error[E232]: fid of -3", "write a FID of 0 or more"),
    (configuration("{geneval: 60}"), "6:61: error[E232]: geneval of 60", "write a GenEval of 1 or less"),
    (
        configuration("{latency: 2, memory: 3}"),
        "6:5: error[E233]: latency, memory without hardware",
        "add hardware: the device, as the source names it, or not stated",
    ),
    (
        configuration("{latency: 2}", before="{latency: 3}"),
        "6:5: error[E233]: latency without hardware",
        "add hardware: the device, as the source names it, or not stated",
    ),
    (
        configuration("{latency: 2}", before="{latency: 0}", hardware="A100"),
        "6:62: error[E232]: latency of 0 s",
        "write a value above 0",
    ),
    (
        f"{configuration()}\n{configuration('{clip-score: 0.3}').splitlines()[1]}",
        "7:5: error[E234]: duplicate of the configuration of results[1]",
        "put all its numbers into one result",
    ),
    *(
        (
            configuration(setting=f"'20% sparsity, {words}'"),
            f"6:25: error[E239]: {words!r} in the setting",
            "write what was done: amount pruned, training, sampler, steps, resolution",
        )
        for words in ("baseline in a comparison", "main table")
    ),
    (configuration(where="Table ?"), "6:35: error[E235]: 'Table ?' is not a place in a source", PLACES),
    (configuration(where="main results"), "6:35: error[E235]: 'main results' is not a place in a source", PLACES),
    (
        configuration(where="Table 1 of DeepCache"),
        "6:35: error[E236]: 'Table 1 of DeepCache' names another paper",
        "write where: Table 1, and reported_by: slug of DeepCache",
    ),
    (
        configuration("{clip-score: 0.3}", before="{fid: 2}"),
        "6:53: error[E237]: fid is in before, but not in after",
        "add fid to after, or delete it from before",
    ),
    (
        configuration("{parameters: 30}", before="{parameters: 20}"),
        "6:90: note[E238]: parameters grows from 20 to 30",
        "compare with the source",
    ),
    (
        configuration("{parameter-reduction: 0}"),
        "6:73: note[E238]: parameter-reduction of 0%",
        "compare with the source",
    ),
]
GOOD = [
    configuration("{compression: about 2}"),
    configuration("{parameter-reduction: 100}"),
    configuration("{latency: 2}", before="{latency: 3}", hardware="A100"),
    configuration("{latency: 2}", hardware="not stated"),
    configuration("{fid: 0}", before="{fid: 3}"),
    configuration("{fid: many}"),
    configuration("{fid: [1]}"),
    configuration("2"),
    configuration("{unheard: -1}", before="{unheard: -1}"),
    "results: [a, [b]]",
    "results: none",
    f"{configuration()}\n{configuration(setting='other').splitlines()[1]}",
]


@pytest.mark.parametrize(("fragment", "what", "fix"), BAD)
def test_message(checker: Checker, fragment: str, what: str, fix: str) -> None:
    assert checker.messages(results, fragment) == [f"{PATH}:{what}. fix: {fix}"]


@pytest.mark.parametrize("fragment", GOOD)
def test_nothing_to_say(checker: Checker, fragment: str) -> None:
    assert checker.messages(results, fragment) == []


@pytest.mark.parametrize(
    "where",
    [
        *("abstract", "abstract of version 1", "abstract of a later version", "Table 1", "Table A1", "Table C.3"),
        *("Figure 2b", "Section 4.1", "Appendix B", "Tables"[:5] + " 2, Table 3", "Table 1 and Table 2"),
        *("README", "README, Results", "model card", "project page", "not stated"),
    ],
)
def test_places(checker: Checker, where: str) -> None:
    assert checker.messages(results, configuration(where=f'"{where}"')) == []


@pytest.mark.parametrize("where", ["reading notes", "the abstract", "table 1", "Table", "Table 1 or 2", "page 3"])
def test_what_is_no_place(checker: Checker, where: str) -> None:
    (message,) = checker.messages(results, configuration(where=where))
    assert f"error[E235]: '{where}' is not a place in a source" in message


def test_a_number_that_no_float_holds(checker: Checker) -> None:
    message = "error[E232]: fid has 400 digits. fix: write the number as the source states it"
    assert checker.messages(results, configuration(f"{{fid: {'9' * 400}}}")) == [f"{PATH}:6:57: {message}"]
