"""The table of bad inputs, each with its neighbours: the code and the place of every error."""

from __future__ import annotations

import pytest

from tests.conftest import Checker

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)
# Fragments of a valid paper: lines 1 title, 2 arxiv, 3 family, 4 summary, 5 checked, 6 added; a fragment takes
# the place of its keys, or stands where the order of the keys wants it.
INVISIBLE = "\u202e\u2066\u200b\ufeff\U000e0041\xad\u200d\u2028\u2029\xa0\u3000\ufe0f\ue000\ufffe\U0001ffff"
RESULT = "results:\n  - {model: m, setting: s, where: Table 1, after: "
"""The start of one configuration, which stands on the lines 5 and 6 and ends with its numbers."""
CASES = [
    # numbers that YAML would change
    ("arxiv: 2305.10920", ["E110@2:8"]),
    ("arxiv: 0704.0001", ["E110@2:8", "E411@2:8"]),
    ('arxiv: "2305.1092"', ["E201@2:8"]),
    ('arxiv: "1412.12345"', ["E201@2:8", "E411@2:8"]),
    ('arxiv: "2305.10924v2"', ["E202@2:8"]),
    ('arxiv: "arXiv:2305.10924"', ["E202@2:8"]),
    ("arxiv: https://arxiv.org/abs/2305.10924", ["E202@2:8"]),
    ("arxiv: https://arxiv.org/pdf/2305.10924v3", ["E202@2:8"]),
    # words that YAML would change
    ("venue: NO", ["E110@3:8", "E222@3:8"]),
    ("title: Null", ["E110@1:8"]),
    ("title: 1e3", ["E110@1:8"]),
    ("title: 12:30", ["E110@1:8"]),
    ("title: 2023-05-18", ["E110@1:8"]),
    ("title: 2023-02-30", ["E110@1:8"]),
    ("title: 0123", ["E110@1:8"]),
    ("title: 1_000", ["E110@1:8"]),
    ("title: ~", ["E110@1:8"]),
    ("title: on", ["E110@1:8"]),
    ("on: x", ["E211@7:1"]),
    # text that would be lost
    ("title: Prune #1 method", ["E111@1:13"]),
    ("title: Prune # why", ["E111@1:13"]),
    ("topics: [depth #1\n  ]", ["E111@4:15"]),
    ("title: &foo bar", ["E104@1:8"]),
    # structure
    ("title: A\ntitle: B", ["E106@2:1"]),
    ('title: A\n"title": B', ["E106@2:1"]),
    ("results:\n  - {model: m, model: n, setting: s, where: Table 1, after: {fid: 2}}", ["E106@6:16"]),
    (f"{RESULT}{{fid: 2, fid: 3}}}}", ["E106@6:60"]),
    (BOMB, ["E104@7:4"]),
    ("<<: [{a: b}]", ["E104@7:1"]),
    ("title: !!python/object/apply:os.system [id]", ["E104@1:8"]),
    ("title: !x A", ["E104@1:8"]),
    ("title: *x", ["E104@1:8"]),
    ("%YAML 1.2\n---", ["E108@7:1"]),
    ("family: pruning\n---\nshort: A", ["E108@4:1"]),
    ("topics:\n\t- depth", ["E101@5:1"]),
    ("title:\tA", ["E101@1:7"]),
    ("topics:\n  -\tdepth", ["E101@5:4"]),
    # bytes and line ends
    ("title: A\r", ["E103@1:9"]),
    ("title: A\rshort: B", ["E103@1:9"]),
    ("title: A\x00B", ["E102@1:9"]),
    ("title: A\x85B", ["E102@1:9"]),
    ("title: A\x1b[31mB", ["E102@1:9"]),
    # characters
    *[(f"title: A{character}B", ["E302@1:9"]) for character in INVISIBLE],
    ('title: "\\e[31mA"', ["E302@1:8"]),
    ('title: "A\\0"', ["E302@1:8"]),
    ('title: "A\\u202e"', ["E302@1:8"]),
    ('title: "\\uD800"', ["E105@1:11"]),
    ("title: W\u0430nda", ["E303@1:8"]),
    ("title: e\u0301", ["E301@1:8"]),
    # fields
    ("titel: Prune Well", ["E211@7:1"]),
    ("title:", ["E210@1:7"]),
    ('title: ""', ["E210@1:8"]),
    ("topics: depth", ["E212@4:9"]),
    ("family: prunning", ["E220@3:9"]),
    ("family: Pruning", ["E220@3:9"]),
    ("added: 2023-02-30", ["E204@6:8"]),
    # addresses
    *[
        (f"project: {address}", ["E401@3:10"])
        for address in (
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//evil.example",
            "http://a.example",
        )
    ],
    ('project: "java\\nscript:alert(1)"', ["E304@3:10", "E401@3:10"]),
    *[
        (f"code: {address}", ["E402@3:7"])
        for address in (
            "https://github.com@evil.example/",
            "https://github.com:8443/a/b",
            "https:\\\\evil",
            "https://github.com/a b/c",
            "https://xn--gthub-n4a.com/a/b",
            "https://127.1/a/b",
            "https://2130706433/a/b",
        )
    ],
    ("code: https://g\u0456thub.com/a/b", ["E303@3:7", "E402@3:7"]),
    ("code: https://evilgithub.com/a/b", ["E403@3:7"]),
    # numbers
    (f"{RESULT}{{fid: {'9' * 5_000}}}}}", ["E232@6:57"]),
    (f"{RESULT}{{fid: about {'9' * 5_000}}}}}", ["E232@6:57"]),
    (f"{RESULT}{{fid: .inf}}}}", ["E212@6:57"]),
    (f"{RESULT}{{fid: about .inf}}}}", ["E212@6:57"]),
    (f"{RESULT}{{fid: about}}}}", ["E212@6:57"]),
    (f"{RESULT}{{fid: {{fid: 2}}}}}}", ["E212@6:57"]),
    (f"{RESULT}much}}", ["E212@6:51"]),
    (f"{RESULT}2}}", ["E110@6:51", "E212@6:51"]),
    (f"{RESULT}{{}}}}", ["E213@6:44"]),
]
VALID = [
    "title: <script>alert(1)</script>",
    "title: '\"><img src=x onerror=alert(1)>'",
    "title: '}, @misc{evil, x={'",
    "title: '\\input{/etc/passwd}'",
    "title: '100% # $'",
    "title: '=HYPERLINK(\"https://evil.example\")'",
    "title: '@x'",
    "title: '-1'",
    "title: '{{ 7 * 7 }} {% raw %}'",
    "title: '${{ github.token }}'",
    "title: '::error::x'",
    "title: β-VAE",
    "title: 剪枝",
    "criterion: '[x](javascript:alert(1)) **b** | a'",
]


@pytest.mark.parametrize(("fragment", "places"), CASES, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_refused(checker: Checker, fragment: str, places: list[str]) -> None:
    errors = [problem for problem in checker.all_problems(checker.entry(fragment)) if problem.severity == "error"]
    assert sorted(f"{problem.code}@{problem.line}:{problem.column}" for problem in errors) == places


@pytest.mark.parametrize("fragment", VALID)
def test_text_is_only_text(checker: Checker, fragment: str) -> None:
    """Such values are valid: it is the escaping of each output that makes them harmless."""
    assert checker.all_problems(checker.entry(fragment)) == []


def test_without_the_last_line_end(checker: Checker) -> None:
    (problem,) = checker.all_problems(checker.entry()[:-1])
    assert (problem.code, problem.line) == ("E103", 6)


@pytest.mark.parametrize("fragment", ["title: ' =1+1'", 'title: "\\tx"', "title: 'x '", 'title: "a\\nb"'])
def test_white_space_at_the_ends(checker: Checker, fragment: str) -> None:
    (problem,) = checker.all_problems(checker.entry(fragment))
    assert (problem.code, problem.line, problem.column) == ("E304", 1, 8)
