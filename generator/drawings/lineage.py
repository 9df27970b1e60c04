"""Who built on whom, replaced whom, disputed whom: the relations of papers as a layered drawing over time.

Time runs from left to right. Each year, or run of years with few papers, is a band of columns, more than one where
papers of one band build on each other. Papers that hang together are laid out together, and the groups are then
packed below one another. Everything here is geometry in pixels from plain records; a template draws it as SVG. Ties
are broken by names, never by chance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from generator.entries.model import Catalogue
from generator.views.site import date_of, label_of

CROWD = 6
"""Papers that the years of one band may hold together; a year with more has a band of its own."""
FEWEST = 4
"""Relations from which a drawing says more than a list."""
LONGEST_LABEL = 22
"""Characters of a name; what is longer ends in an ellipsis."""

BOX, PASSAGE = 24.0, 10.0
"""Height of a paper's box, and of the room that a line needs between boxes."""
BETWEEN, APART = 8.0, 18.0
"""Space between two boxes of a column, and between two groups."""
ACROSS = 38.0
"""Space between two columns, for the lines."""
ASIDE = 6.0
"""A dispute meets its boxes so far below their middle: two papers may both build on and dispute each other."""
HEAD, MARGIN = 30.0, 8.0
"""Room for the years, and around everything."""
PADDING = 9.0
"""Between a box and its name."""
SWEEPS = 8
"""Rounds of putting the columns in order; more change nothing in practice."""

_NARROW, _WIDE = frozenset("iljtfrI1.,:;'|!()[]- "), frozenset("mwMW@%")

Kind = Literal["builds_on", "superseded_by", "critiques"]


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """One paper refers to another."""

    later: str
    """The paper that builds on, replaces or disputes the other."""
    kind: Kind
    earlier: str


@dataclass(frozen=True, slots=True)
class Box:
    """A paper in the drawing; ``x`` and ``y`` are its upper left corner."""

    slug: str
    label: str
    title: str
    own: bool
    """Whether it belongs to the family that is drawn."""
    x: float
    y: float
    width: float
    height: float = BOX


@dataclass(frozen=True, slots=True)
class Line:
    """A relation in the drawing."""

    relation: Relation
    path: str
    """Commands of an SVG path."""
    x: float
    y: float
    """Where its mark sits: at the later paper, or at the disputed one."""
    points_right: bool
    """Whether the mark sits at the right end."""


@dataclass(frozen=True, slots=True)
class Band:
    """The columns of one year, or of a run of years."""

    years: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that is drawn."""

    width: float
    height: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def relations(catalogue: Catalogue) -> tuple[Relation, ...]:
    """All relations of the catalogue, sorted."""
    links = []
    for slug, filed in catalogue.papers.items():
        paper = filed.entry
        links += [Relation(slug, "builds_on", other) for other in paper.builds_on]
        links += [Relation(slug, "critiques", other) for other in paper.critiques]
        if paper.superseded_by:
            links.append(Relation(paper.superseded_by, "superseded_by", slug))
    return tuple(sorted(set(links)))


def family_relations(catalogue: Catalogue, family: str) -> tuple[Relation, ...]:
    """Relations in which at least one side belongs to a family.

    Raises:
        KeyError: there is no such family.
    """
    if family not in catalogue.taxonomy.families:
        raise KeyError(family)
    papers = catalogue.papers
    return tuple(
        relation
        for relation in relations(catalogue)
        if family in (papers[relation.later].entry.family, papers[relation.earlier].entry.family)
    )


def draw(catalogue: Catalogue, chosen: Sequence[Relation], family: str) -> Drawing:
    """The drawing of some relations; papers outside ``family`` are marked."""
    papers = catalogue.papers
    slugs = sorted({slug for relation in chosen for slug in (relation.later, relation.earlier)})
    labels = {slug: _shortened(label_of(papers[slug])) for slug in slugs}
    columns, names = _columns(_bands({slug: date_of(papers[slug])[:4] for slug in slugs}), chosen)
    widths = [0.0] * len(names)
    for slug in slugs:
        widths[columns[slug]] = max(widths[columns[slug]], _text_width(labels[slug]) + 2 * PADDING)
    lefts = [MARGIN]
    for width in widths:
        lefts.append(lefts[-1] + width + ACROSS)
    groups = [_Group(members, chosen, columns) for members in _connected(slugs, chosen)]
    tops, bottom = _packed(groups, len(names))
    boxes, lines = [], []
    for group, top in zip(groups, tops, strict=True):
        for slug in group.papers:
            x, y = lefts[columns[slug]], HEAD + top + group.middles[slug] - BOX / 2
            own = papers[slug].entry.family == family
            width = _text_width(labels[slug]) + 2 * PADDING
            boxes.append(Box(slug, labels[slug], papers[slug].entry.title, own, x, round(y, 1), round(width, 1)))
        by_slug = {box.slug: box for box in boxes}
        lines += [_line(route, group, HEAD + top, lefts, widths, by_slug) for route in group.routes]
    bands = []
    for name, numbers in groupby(range(len(names)), key=names.__getitem__):
        inside = list(numbers)
        right = lefts[inside[-1]] + widths[inside[-1]]
        bands.append(Band(name, lefts[inside[0]] - ACROSS / 4, right - lefts[inside[0]] + ACROSS / 2))
    width = (lefts[-1] - ACROSS if names else 0) + MARGIN + ACROSS / 4
    return Drawing(round(width), round(HEAD + bottom + MARGIN), tuple(bands), tuple(boxes), tuple(lines))


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1].rstrip()}…"


def _text_width(text: str) -> float:
    """Pixels of a text of 13 pixels in a common sans-serif face, rather too many than too few."""
    return sum(
        4.6 if letter in _NARROW else 11.5 if letter in _WIDE else 8.6 if letter.isupper() else 7.3 for letter in text
    )


def _bands(years: Mapping[str, str]) -> dict[str, str]:
    """The band of each paper, from its year: bands are named after their years and sort as these do."""
    crowds = Counter(years.values())
    runs: list[list[str]] = []
    for year in sorted(crowds):
        if not runs or sum(crowds[member] for member in runs[-1]) + crowds[year] > CROWD:
            runs.append([])
        runs[-1].append(year)
    band_of = {year: run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs for year in run}
    return {slug: band_of[year] for slug, year in years.items()}


def _columns(bands: Mapping[str, str], chosen: Sequence[Relation]) -> tuple[dict[str, int], list[str]]:
    """The column of each paper, and the band of each column.

    A paper stands right of the papers of its band that it refers to. Should papers of one band refer to each other
    in a ring, the one whose name comes first is placed as if it referred to none that is not placed yet.
    """
    earlier: dict[str, list[str]] = defaultdict(list)
    for relation in chosen:
        if bands[relation.later] == bands[relation.earlier]:
            earlier[relation.later].append(relation.earlier)
    depths: dict[str, int] = {}
    waiting = sorted(bands)
    while waiting:
        ready = [slug for slug in waiting if all(other in depths for other in earlier[slug])] or waiting[:1]
        for slug in ready:
            depths[slug] = 1 + max((depths.get(other, -1) for other in earlier[slug]), default=-1)
        waiting = [slug for slug in waiting if slug not in depths]
    places = sorted({(band, depths[slug]) for slug, band in bands.items()})
    column_of = {place: column for column, place in enumerate(places)}
    return {slug: column_of[band, depths[slug]] for slug, band in bands.items()}, [band for band, _ in places]


def _connected(slugs: Iterable[str], chosen: Sequence[Relation]) -> list[list[str]]:
    """The papers that hang together, the largest group first."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for relation in chosen:
        neighbours[relation.later].append(relation.earlier)
        neighbours[relation.earlier].append(relation.later)
    seen: set[str] = set()
    groups = []
    for slug in slugs:
        if slug in seen:
            continue
        seen.add(slug)
        members = [slug]
        for member in members:  # grows while it is walked
            fresh = sorted(set(neighbours[member]) - seen)
            seen.update(fresh)
            members += fresh
        groups.append(members)
    return sorted(groups, key=lambda members: (-len(members), members[0]))


@dataclass(frozen=True, slots=True)
class _Route:
    """A relation with the nodes that its line passes, from left to right."""

    relation: Relation
    nodes: tuple[str, ...]
    """Two papers, and between them one passage in each column that is crossed."""


class _Group:
    """Papers that hang together, with the places of their boxes and lines from its top downwards."""

    def __init__(self, members: Sequence[str], chosen: Sequence[Relation], columns: Mapping[str, int]) -> None:
        """Lay the group out."""
        self.papers = sorted(members)
        inside = set(members)
        self.columns = {slug: columns[slug] for slug in self.papers}
        self.routes = [
            self._route(index, relation)
            for index, relation in enumerate(relation for relation in chosen if relation.later in inside)
        ]
        self._right: dict[str, list[str]] = defaultdict(list)
        self._left: dict[str, list[str]] = defaultdict(list)
        for route in self.routes:
            for left, right in pairwise(route.nodes):
                if self.columns[left] < self.columns[right]:
                    self._right[left].append(right)
                    self._left[right].append(left)
        layers = self._ordered()
        self.middles = self._placed(layers)
        self.extents = {
            self.columns[layer[0]]: (
                min(self.middles[node] - self._height(node) / 2 for node in layer),
                max(self.middles[node] + self._height(node) / 2 for node in layer),
            )
            for layer in layers
        }

    def _route(self, index: int, relation: Relation) -> _Route:
        first, last = sorted((relation.earlier, relation.later), key=lambda slug: self.columns[slug])
        passages = []
        for column in range(self.columns[first] + 1, self.columns[last]):
            passages.append(f"{index}/{column}")  # a slash keeps it apart from slugs
            self.columns[passages[-1]] = column
        return _Route(relation, (first, *passages, last))

    def _height(self, node: str) -> float:
        return PASSAGE if "/" in node else BOX

    def _ordered(self) -> list[list[str]]:
        """The nodes of each column from top to bottom, such that few lines cross."""
        by_column: dict[int, list[str]] = defaultdict(list)
        for node in sorted(self.columns):
            by_column[self.columns[node]].append(node)
        layers = [by_column[column] for column in sorted(by_column)]
        best, fewest = layers, self._crossings(layers)
        for sweep in range(SWEEPS):
            neighbours, walk = (self._left, layers) if sweep % 2 == 0 else (self._right, layers[::-1])
            place = {node: index for layer in walk for index, node in enumerate(layer)}
            swept = []
            for layer in walk:
                wish = {node: _mean([place[one] for one in neighbours[node]], place[node]) for node in layer}
                swept.append(sorted(layer, key=lambda node: (wish[node], place[node])))
                place.update((node, index) for index, node in enumerate(swept[-1]))
            layers = swept if sweep % 2 == 0 else swept[::-1]
            crossings = self._crossings(layers)
            if crossings < fewest:
                best, fewest = layers, crossings
        return best

    def _crossings(self, layers: Sequence[Sequence[str]]) -> int:
        """Pairs of lines between neighbouring columns that cross."""
        count = 0
        for left, right in pairwise(layers):
            place = {node: index for index, node in enumerate(right)}
            ends = [place[one] for node in left for one in sorted(self._right[node], key=place.__getitem__)]
            count += sum(above > below for index, above in enumerate(ends) for below in ends[index + 1 :])
        return count

    def _placed(self, layers: Sequence[Sequence[str]]) -> dict[str, float]:
        """The middle of each node: near its neighbours, in the order of its column, none over another; the top is 0."""
        middles: dict[str, float] = {}
        for layer in layers:
            top = 0.0
            for node in layer:
                middles[node] = top + self._height(node) / 2
                top += self._height(node) + BETWEEN
        for sweep in range(SWEEPS):
            neighbours = (self._left, self._right)[sweep % 2]
            for layer in layers if sweep % 2 == 0 else layers[::-1]:
                wishes = [_mean([middles[one] for one in neighbours[node]], middles[node]) for node in layer]
                middles.update(zip(layer, _spread(wishes, [self._height(node) for node in layer]), strict=True))
        top = min(middles[node] - self._height(node) / 2 for node in middles)
        return {node: middle - top for node, middle in middles.items()}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else float(otherwise)


def _spread(wishes: Sequence[float], heights: Sequence[float]) -> list[float]:
    """The middles closest to the wished ones, in squares, that keep the order and the distances.

    With the distances taken off, this is a regression to a rising line: neighbours that would overlap are pooled
    and share the mean of their wishes.
    """
    offsets = [0.0]
    for above, below in pairwise(heights):
        offsets.append(offsets[-1] + (above + below) / 2 + BETWEEN)
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        mean, size = wish - offset, 1
        while pools and pools[-1][0] > mean:
            above, weight = pools.pop()
            mean, size = (mean * size + above * weight) / (size + weight), size + weight
        pools.append((mean, size))
    levels = [mean for mean, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _packed(groups: Sequence[_Group], columns: int) -> tuple[list[float], float]:
    """The top of each group, as high as the columns that it covers allow, and the lowest point of all."""
    free = [0.0] * columns
    tops = []
    for group in groups:
        covered = range(min(group.extents), max(group.extents) + 1)
        top = max(0.0, *(free[column] - group.extents[column][0] for column in group.extents))
        for column in covered:
            lowest = group.extents.get(column, (0.0, 0.0))[1]
            free[column] = max(free[column], top + lowest + APART)
        tops.append(top)
    return tops, max(free, default=APART) - APART


def _line(
    route: _Route,
    group: _Group,
    top: float,
    lefts: Sequence[float],
    widths: Sequence[float],
    boxes: Mapping[str, Box],
) -> Line:
    """A smooth line along a route, level at both ends."""
    first, last = boxes[route.nodes[0]], boxes[route.nodes[-1]]
    level = BOX / 2 + (ASIDE if route.relation.kind == "critiques" else 0)
    points = [(first.x + first.width, first.y + level)]
    column = group.columns[route.nodes[0]]
    if first.width < widths[column]:
        points.append((lefts[column] + widths[column], first.y + level))
    for node in route.nodes[1:-1]:
        column, y = group.columns[node], round(top + group.middles[node], 1)
        points += [(lefts[column], y), (lefts[column] + widths[column], y)]
    points.append((last.x, last.y + level))
    marked = route.relation.earlier if route.relation.kind == "critiques" else route.relation.later
    points_right = marked == route.nodes[-1]
    x, y = points[-1] if points_right else points[0]
    return Line(route.relation, "".join(_commands(points)), round(x, 1), round(y, 1), points_right)


def _commands(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    yield f"M{points[0][0]:g} {points[0][1]:g}"
    for (x1, y1), (x2, y2) in pairwise(points):
        half = (x1 + x2) / 2
        yield f"H{x2:g}" if y1 == y2 else f"C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"
