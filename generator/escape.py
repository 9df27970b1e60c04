"""One function for each place that untrusted text can flow into. Nothing else in the generator escapes."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote, urlsplit, urlunsplit

# Characters that XML 1.0 cannot hold, even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORMULA_START = re.compile(r"'*([\s\xa0]*[=+\-@]|[\t\r\n])")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_LINKED = re.compile(r"(?i)\b(?:https?|ftp|www)(?=[:.])|@|:(?=[\w+-]+:)")
"""What GitHub makes a link, a mention or an emoji of without any markup."""
_BIBTEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    '"': '{"}',
}


def collapse(text: str) -> str:
    """The text on one line, runs of white space as one space."""
    return " ".join(text.split())


def markup(text: str) -> str:
    """For HTML text and double-quoted attributes."""
    return html.escape(collapse(text), quote=True)


def url(address: str) -> str:
    """For an ``href``: an https address, parsed and written again, not yet escaped for HTML.

    Raises:
        ValueError: the address is not https, has no plain ASCII host, or carries a user name or a port.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.netloc.lower() != parts.hostname:
        raise ValueError(f"{address!r} is not a plain https address")
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.hostname):
        raise ValueError(f"host {parts.hostname!r} is not a plain ASCII host name")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._")
    return urlunsplit(("https", parts.hostname, path, query, quote(parts.fragment, safe="/?%:@!$&'()*+,;=~-._")))


def markdown(text: str) -> str:
    """For text inside Markdown: every character that could start markup is escaped."""
    escaped = _MARKDOWN.sub(r"\\\1", collapse(text).replace("&", "&amp;"))
    return _LINKED.sub(r"\g<0>&#8203;", escaped)


def markdown_link(label: str, address: str) -> str:
    """A Markdown link whose address cannot end it."""
    return f"[{markdown(label)}]({url(address).replace('(', '%28').replace(')', '%29')})"


def bibtex(text: str) -> str:
    """For a braced BibTeX value: every special character is escaped, braces stay balanced."""
    return "".join(_BIBTEX.get(character, character) for character in collapse(text))


def bibtex_verbatim(text: str) -> str:
    """For a field of BibTeX that is read as it stands, such as doi and url: only what could end it is encoded."""
    return quote(collapse(text), safe="".join(map(chr, range(0x20, 0x7F))).translate({ord(c): None for c in "{}\\"}))


def csv_cell(text: str) -> str:
    """For a CSV cell that a spreadsheet may open: no cell can start a formula."""
    return f"'{text}" if _FORMULA_START.match(text) else text


def csv_value(cell: str) -> str:
    """The value that ``csv_cell`` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA_START.match(cell[1:]) else cell


def xml(text: str) -> str:
    """For XML text and attributes: escaped, and without the characters that XML cannot hold."""
    return html.escape(_NOT_XML.sub("", text), quote=True)


def script_json(document: object) -> str:
    """JSON for a ``script`` element that holds data: nothing in it ends the element or opens a comment."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def github_message(text: str) -> str:
    """For the message of a workflow command, which the log shows on a terminal."""
    return terminal(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def github_property(text: str) -> str:
    """For a property of a workflow command."""
    return github_message(text).replace(":", "%3A").replace(",", "%2C")


def terminal(text: str) -> str:
    """For a terminal: control and direction characters are shown as their code points."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)


def fenced(text: str, info: str = "") -> str:
    """For the Markdown of a code host: lines of text as a block of code, which nothing in them can end.

    In such a block nothing is markup, a link, a mention or an image; control and direction characters are shown as
    their code points, as on a terminal.

    Args:
        text: lines of anything.
        info: our own word for the language of the block.
    """
    shown = terminal(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence}{info}\n{shown}\n{fence}"
