"""Tables drawn with lines: cells found from horizontal and vertical rules that cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from docmill.extract.pdf.ink import Ink, Rule
from docmill.extract.pdf.places import Box

_TOUCH = 3.0  # points: rules that come this close cross
_SAME = 2.5  # points: rules this close are one line of the grid


@dataclass(slots=True)
class GridCell:
    """A cell of a grid of rules, with its spans and its box in points."""

    row: int
    column: int
    row_span: int
    column_span: int
    box: Box


@dataclass(slots=True)
class Grid:
    """The lines of a grid and its cells."""

    xs: list[float]
    ys: list[float]
    cells: list[GridCell]

    @property
    def box(self) -> Box:
        """The grid's outline."""
        return Box(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])


def find_grids(ink: Ink) -> list[Grid]:
    """The grids of at least two cells on a page, from top to bottom."""
    grids = []
    for horizontal, vertical in _components(ink.h_rules, ink.v_rules):
        grid = _grid(horizontal, vertical)
        if grid is not None:
            grids.append(grid)
    return sorted(grids, key=lambda grid: (grid.box.y0, grid.box.x0))


def _components(h_rules: Sequence[Rule], v_rules: Sequence[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Rules grouped so that rules of different groups do not cross, each group with at least two of both kinds."""
    parent = list(range(len(h_rules) + len(v_rules)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    shift = len(h_rules)
    for j, v in enumerate(v_rules):
        for i, h in enumerate(h_rules):
            if (
                h.start - _TOUCH <= v.at <= h.end + _TOUCH
                and v.start - _TOUCH <= h.at <= v.end + _TOUCH
                and (a := root(i)) != (b := root(shift + j))
            ):
                parent[a] = b
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for i, h in enumerate(h_rules):
        groups.setdefault(root(i), ([], []))[0].append(h)
    for j, v in enumerate(v_rules):
        groups.setdefault(root(shift + j), ([], []))[1].append(v)
    return [group for group in groups.values() if len(group[0]) >= 2 and len(group[1]) >= 1]


def _positions(values: Sequence[float]) -> list[float]:
    """Positions in order, those closer than `_SAME` points joined."""
    out: list[list[float]] = []
    for value in sorted(values):
        if out and value - out[-1][-1] <= _SAME:
            out[-1].append(value)
        else:
            out.append([value])
    return [sum(group) / len(group) for group in out]


def _grid(horizontal: list[Rule], vertical: list[Rule]) -> Grid | None:
    """The cells between the rules; a side that horizontal rules reach past without a vertical one is closed."""
    left = min(rule.start for rule in horizontal)
    right = max(rule.end for rule in horizontal)
    ys = _positions([rule.at for rule in horizontal])
    xs = _positions([rule.at for rule in vertical])
    vertical = list(vertical)
    long = [rule for rule in horizontal if rule.end - rule.start > 0.6 * (right - left)]
    if len(long) >= 2:
        if xs[0] - left > 8:
            xs.insert(0, left)
            vertical.append(Rule(left, ys[0], ys[-1]))
        if right - xs[-1] > 8:
            xs.append(right)
            vertical.append(Rule(right, ys[0], ys[-1]))
    if len(xs) < 2 or len(ys) < 2 or len(xs) + len(ys) < 5:
        return None
    cells = _cells(xs, ys, horizontal, vertical)
    return Grid(xs, ys, cells) if len(cells) > 1 else None


def _walls(positions: Sequence[float], mids: Sequence[float], rules: Sequence[Rule]) -> list[list[bool]]:
    """For each inner and outer line of the grid, at which middles of the other direction a rule stands on it."""
    walls = [[False] * len(mids) for _ in positions]
    for rule in rules:
        for line, position in zip(walls, positions, strict=True):
            if abs(rule.at - position) <= _SAME:
                for index, mid in enumerate(mids):
                    if rule.start <= mid <= rule.end:
                        line[index] = True
    return walls


def _cells(xs: list[float], ys: list[float], horizontal: list[Rule], vertical: list[Rule]) -> list[GridCell]:
    """Cells as rectangles of grid fields that no rule parts."""
    columns, rows = len(xs) - 1, len(ys) - 1
    floor = _walls(ys, [(a + b) / 2 for a, b in pairwise(xs)], horizontal)
    wall = _walls(xs, [(a + b) / 2 for a, b in pairwise(ys)], vertical)
    taken = [[False] * columns for _ in range(rows)]
    cells = []
    for row in range(rows):
        for column in range(columns):
            if taken[row][column]:
                continue
            end = column + 1
            while end < columns and not wall[end][row] and not taken[row][end]:
                end += 1
            last = row + 1
            while (
                last < rows
                and not any(floor[last][c] for c in range(column, end))
                and not any(wall[c][last] for c in range(column + 1, end))
                and not any(taken[last][c] for c in range(column, end))
            ):
                last += 1
            for r in range(row, last):
                taken[r][column:end] = [True] * (end - column)
            box = Box(xs[column], ys[row], xs[end], ys[last])
            cells.append(GridCell(row, column, last - row, end - column, box))
    return cells
