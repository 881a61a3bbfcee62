"""One page: its marks made into drafts of elements in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from docmill.extract.chart_axes import Label
from docmill.extract.pdf.aligned import build_table, text_rows
from docmill.extract.pdf.bars import find_charts, without_charts
from docmill.extract.pdf.candidates import free_tables, looks_tabular, stacked_tables
from docmill.extract.pdf.charts import chart_text, outside_charts, read_charts
from docmill.extract.pdf.drafts import BodyStyle, Draft, draft_lines
from docmill.extract.pdf.figures import find_figures, find_frames, inside, is_diagram
from docmill.extract.pdf.forms import Filled, field_text, label_of
from docmill.extract.pdf.heads import span_head
from docmill.extract.pdf.ink import Ink, Rule, Run
from docmill.extract.pdf.layout import Item, columns_in_order
from docmill.extract.pdf.lines import around, clean, join_row, rows_of
from docmill.extract.pdf.modelled import settle_tables, settle_types
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.plots import find_plots, pie_shares, plot_labels
from docmill.extract.pdf.regions import Region
from docmill.extract.pdf.routing import doubt
from docmill.extract.pdf.rowsplit import cut_titles, split_columns, split_rows, spread_labels
from docmill.extract.pdf.tables import FoundTable, Placer, ruled_tables
from docmill.extract.picture_kinds import kind_of
from docmill.models import ElementType

_SURE_OF_PIES = 0.8
"""Names are told from shares by their angles only."""


def find_tables(ink: Ink) -> tuple[list[FoundTable], list[Run]]:
    """The tables that rules show, and the runs that stand in none."""
    tables, runs = ruled_tables(ink)
    tables = [split_columns(table) for table in tables]
    for table in tables:
        runs += cut_titles(table)
        spread_labels(table)
        split_rows(table)
    outside = [rule for rule in ink.h_rules if not _in_any(rule, [table.box for table in tables])]
    stacked, runs = stacked_tables(runs, outside, ink.fills, ink.width)
    return [*tables, *stacked], runs


def draft_page(ink: Ink, body: BodyStyle, regions: Sequence[Region] = (), fields: Sequence[Filled] = ()) -> list[Draft]:
    """The page's elements in reading order; `regions` are what the layout model sees on it, `fields` its form's."""
    place = Placer(ink)
    everything, read = ink, read_charts(ink, ink.runs)
    ink = outside_charts(ink, read)
    charts = find_charts(ink)
    ink = without_charts(ink, charts)
    tables, runs = find_tables(ink)
    if regions:
        tables, runs = settle_tables(ink, tables, runs, regions)
    for table in tables:
        if not table.ruled:
            span_head(table, ink.h_rules)
    forms, runs = _form_drafts(fields, [table.box for table in tables], runs)
    taken = [table.box for table in tables] + [chart.box for chart in charts]
    figures = find_figures(ink, taken)
    figures += find_plots(ink, runs, [*taken, *figures])
    items: list[Item[Draft | list[Run]]] = [Item(t.box, None, _table_draft(t, place)) for t in tables]
    items += [Item(form.box, None, form) for form in forms]
    for chart in read:
        text = chart_text(chart, everything.runs)
        draft = Draft(ElementType.CHART, text, chart.box, table=chart.table, kind=chart.kind, sure=chart.confidence)
        items.append(Item(chart.box, None, draft))
    items += [Item(c.box, None, _figure_draft(c.box, c.runs, ElementType.CHART)) for c in charts]
    for box in figures:
        own = [run for run in runs if inside(run, box)]
        figure = _plot_draft(box, own, runs) or _labelled_draft(box, own)
        own = figure.lines and [run for run in runs if inside(run, figure.box)]
        items.append(Item(around([figure.box, *own]) if own else box, None, figure))
        runs = _without(runs, own)
    for box in find_frames(ink, [*taken, *figures]):
        own = [run for run in runs if inside(run, box)]
        if len(own) > 1:
            content = _labelled_draft(box, own) if is_diagram(box, own) else own
            items.append(Item(around([box, *own]), None, content))
            runs = _without(runs, own)
    items += [Item(run.box, run) for run in runs]
    drafts = _drafts(items, body, ink.height, place)
    for run in ink.turned:
        if text := clean(run.text):
            drafts.append(Draft(ElementType.TEXT, text, run.box, [run]))
    settle_types(drafts, regions)
    return drafts


def _drafts(items: Sequence[Item[Draft | list[Run]]], body: BodyStyle, height: float, place: Placer) -> list[Draft]:
    """The items as drafts in reading order."""
    drafts: list[Draft] = []
    for group in columns_in_order(items, looks_tabular):
        runs = [item.run for item in group if item.run]
        whole = sorted((item for item in group if item.run is None), key=lambda item: item.box.y0)
        for item in whole:
            above = [run for run in runs if (run.y0 + run.y1) / 2 < (item.box.y0 + item.box.y1) / 2]
            drafts += _draft_column(above, body, height, place)
            runs = _without(runs, above)
            if isinstance(item.content, Draft):
                drafts.append(item.content)
            elif item.content:
                drafts += _drafts([Item(run.box, run) for run in item.content], body, height, place)
        drafts += _draft_column(runs, body, height, place)
    return drafts


def _draft_column(runs: Sequence[Run], body: BodyStyle, height: float, place: Placer) -> list[Draft]:
    """Lines and unruled tables of one column."""
    if not runs:
        return []
    rows = text_rows(runs)
    drafts: list[Draft] = []
    at = 0
    for start, end in free_tables(rows):
        table = build_table(rows[start:end], [], None)
        if table is None:
            continue
        drafts += draft_lines([join_row(row.runs) for row in rows[at:start]], body, height)
        drafts.append(_table_draft(table, place))
        at = end
    return drafts + draft_lines([join_row(row.runs) for row in rows[at:]], body, height)


def _table_draft(found: FoundTable, place: Placer) -> Draft:
    """A draft of a table, its text a line for each row."""
    table = found.model(place)
    text = "\n".join(" | ".join(row) for row in table.grid())
    return Draft(ElementType.TABLE, text, found.box, table=table, doubt=doubt(found))


def _form_drafts(fields: Sequence[Filled], tables: Sequence[Box], runs: Sequence[Run]) -> tuple[list[Draft], list[Run]]:
    """The fields that stand in no table, with their labels, and the runs without both."""
    drafts, left = [], list(runs)
    for filled in fields:
        middle = Run(*filled.box, "", 0.0)
        if any(inside(middle, box) for box in tables):
            continue
        label = label_of(filled, fields, left)
        own = [run for run in (label, filled.run) if run is not None]
        left = _without(left, own)
        field = filled.field
        value: str | bool = field.value if field.ticked is None else field.ticked
        drafts.append(
            Draft(
                ElementType.FORM_FIELD,
                field_text(field, clean(label.text) if label else ""),
                around([filled.box, *([label.box] if label else [])]),
                own,
                facts={"field": field.name, "kind": field.kind, "value": value},
            )
        )
    return drafts, left


def _figure_draft(box: Box, runs: Sequence[Run], kind: ElementType = ElementType.IMAGE) -> Draft:
    """A draft of a figure with the text that stands in it, line by line."""
    lines = [join_row(row) for row in rows_of(runs)]
    return Draft(kind, "\n".join(clean(line.text) for line in lines), box, lines)


def _labelled_draft(box: Box, runs: Sequence[Run]) -> Draft:
    """A draft of a figure that is no plot: by the labels in it an infographic, or another chart, or a picture."""
    labels = [Label(run.text, *run.box) for run in runs]
    return _figure_draft(box, runs, kind_of(labels, (box.x1 - box.x0, box.y1 - box.y0), graphics=True))


def _plot_draft(box: Box, inside_it: Sequence[Run], runs: Sequence[Run]) -> Draft | None:
    """A draft of a figure that is a plot or a pie, with its labels; None for any other figure."""
    pie = pie_shares(box, runs)
    labels = pie[1] if pie else plot_labels(box, runs)
    if not labels:
        return None
    own = list({id(run): run for run in [*inside_it, *labels]}.values())
    draft = _figure_draft(around([box, *own]), own)
    draft.type, draft.kind = ElementType.CHART, "pie" if pie else "plot"
    if pie:
        draft.table, draft.sure = pie[0], _SURE_OF_PIES
        draft.text = "\n".join(" | ".join(row).strip() for row in pie[0].grid())
    return draft


def _without(runs: Sequence[Run], taken: Sequence[Run]) -> list[Run]:
    """The runs that are not among `taken`."""
    ids = {id(run) for run in taken}
    return [run for run in runs if id(run) not in ids]


def _in_any(rule: Rule, boxes: Sequence[Box]) -> bool:
    """True if the horizontal rule lies in one of the boxes."""
    middle = (rule.start + rule.end) / 2
    return any(box.y0 - 3 <= rule.at <= box.y1 + 3 and box.x0 - 3 <= middle <= box.x1 + 3 for box in boxes)
