"""Pages of entries as plain text: what is read, and what is not."""

from __future__ import annotations

import pytest

from generator.entries.model import KINDS
from generator.pages.as_text import EntryTexts, text_of_block
from generator.views.site import Site


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("<h1>A</h1><p>b\n  c</p>", "A\nb c"),
        ("<h1>A</h1>\n<h2>B</h2><p>c</p>", "A\n\nB\nc"),
        ("<dl><div><dt>Family</dt><dd><a>Pruning</a></dd></div></dl>", "Family: Pruning"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<p>a &lt;b&gt; &amp;amp;</p>", "a <b> &amp;"),
        ("<p>a<br>b</p>", "a\nb"),
        ("<p><a class='cat-term'>a</a> <a class='cat-term'>b</a> c</p>", "a, b c"),
        ("<p>a<button hidden>Copy <b>it</b></button><script>x()</script>b</p>", "ab"),
        ("<pre><code>@misc{a,\n  b\n}</code></pre>", "  @misc{a,\n    b\n  }"),
        ("<details><summary>more</summary><p>a</p></details>", "more\na"),
        ("<details class='cat-same cat-badge'><summary>Badge</summary><img src='a'><pre>a</pre></details>b", "b"),
        ("", ""),
    ],
)
def test_blocks(block: str, text: str) -> None:
    assert text_of_block(block) == text


def test_every_kind_of_entry_has_a_text(shipped_site: Site) -> None:
    texts = EntryTexts(shipped_site)
    for kind in KINDS:
        slug, filed = next(iter(getattr(shipped_site.catalogue, kind).items()))
        text = texts.of(kind, slug)
        assert text is not None
        assert filed.entry.summary in text
        assert f"Added {filed.entry.added}" in text
        assert "Badge for a README" not in text
        assert texts.of(kind, "no-such-entry") is None


def test_markup_of_an_entry_stays_text(hostile_site: Site) -> None:
    text = EntryTexts(hostile_site).of("papers", "hostile-paper")
    assert text is not None
    assert "</title><script>alert(1)</script>" in text
