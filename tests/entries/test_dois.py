"""DOIs as people and arXiv write them."""

from __future__ import annotations

import pytest

from generator.entries.dois import dois_in

OLD = "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O"


@pytest.mark.parametrize(
    ("text", "dois"),
    [
        ("10.1109/x.1", ("10.1109/x.1",)),
        ("https://doi.org/10.1109/x.1", ("10.1109/x.1",)),
        ("http://dx.doi.org/10.1109/x.1.", ("10.1109/x.1",)),
        ("doi: 10.1109/x.1", ("10.1109/x.1",)),
        ("<10.1109/x.1>", ("10.1109/x.1",)),
        ("<https://doi.org/10.1109/x>, doi:10.1000/y", ("10.1109/x", "10.1000/y")),
        (
            "10.1103/PhysRevD.76.013009 10.1103/PhysRevD.77.029903",
            ("10.1103/PhysRevD.76.013009", "10.1103/PhysRevD.77.029903"),
        ),
        ("10.1000/a;10.1000/b, 10.1000/A", ("10.1000/a", "10.1000/b")),
        ("https://doi.org/10.1007%2F978-3-031-72751-1_9", ("10.1007/978-3-031-72751-1_9",)),
        ("(10.1016/S0893-6080(00)00001-2)", ("10.1016/S0893-6080(00)00001-2",)),
        (OLD, (OLD,)),
        ("10.1000/a b", ("10.1000/a",)),
        ("10.1000", ()),
        ("", ()),
        ("none", ()),
    ],
)
def test_the_dois_of_a_text(text: str, dois: tuple[str, ...]) -> None:
    assert dois_in(text) == dois
