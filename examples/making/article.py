"""two_columns.pdf: a two-column article of two pages with a ruled table, a borderless table and a chart."""

from __future__ import annotations

from pathlib import Path

from making.paper import GREY, HEIGHT, INK, NAVY, WIDTH, Align, Paper, table_row

LEFT, RIGHT, COLUMN = 54.0, 306.0, 235.0
TITLE = "Gear Efficiency of Small Harbour Winches in Cold Weather"
ABSTRACT = (
    "Harbour winches are rated at 20 °C but work all winter. We measured the efficiency of three gear types between "
    "−20 °C and +30 °C on one test stand. The worm gear loses a quarter of its efficiency in the cold, the planetary "
    "gear less than a tenth. A synthetic oil wins back more than half of what the worm gear loses. We give the "
    "figures that a buyer needs to choose a gear for a cold harbour."
)
INTRODUCTION = (
    "A winch that hauls its rated load in July may stall in January. Operators know this and wait for the gearbox to "
    "warm up; the data sheets do not mention it. The reason is the oil: between +20 °C and −20 °C the viscosity of a "
    "mineral gear oil grows by a factor of about forty, and the gear spends its power on stirring.",
    "Earlier work looked at large ship's windlasses, whose gearboxes are heated. Small winches for harbours and fish "
    "farms, up to 7.5 kW, have no heating and stand in the open. We know of no published figures for them.",
)
METHOD = (
    "Three gearboxes with a ratio of 1:40 were driven by the same 5.5 kW motor and braked by a hydraulic pump. Input "
    "and output torque were read by strain gauges with an error below 0.8 per cent. The stand was placed in a cold "
    "chamber of the fishing school of Port Ansel, and each gearbox was left at the test temperature for twelve hours "
    "before a run.",
    "Each run began cold and lasted six minutes. We report the mean efficiency of the second minute, because most "
    "hauls of small winches are over within two minutes. Every figure is the mean of five runs.",
)
RESULTS = (
    "Table 1 gives the efficiency with mineral oil of class VG 220. All gears lose in the cold, but not alike. The "
    "worm gear slides over its whole tooth width and falls from 0.71 to 0.53. The planetary gear rolls, and falls "
    "only from 0.94 to 0.87.",
    "Synthetic oil of the same class helps most where the loss is largest (Table 2). At −20 °C the worm gear wins "
    "eleven points, the helical gear five, the planetary gear three.",
    "The cold also asks for a stronger start. At −20 °C the worm gear needed 2.9 times its running torque to break "
    "away, against 1.6 times at +20 °C. A soft starter that is set in summer will trip in winter.",
)
DISCUSSION = (
    "The figures hold for the second minute. After ten minutes of work all gears come within three points of their "
    "rated efficiency, since the churned oil warms itself. A harbour with long hauls may therefore choose by price; a "
    "harbour with short hauls should not.",
    "A heater of 60 W in the sump of the worm gear raised its cold efficiency to 0.66 in a single trial. Over a "
    "winter of 150 days this costs about 216 kWh, more than the losses it avoids on a winch that works less than one "
    "hour a day.",
)
ADVICE = (
    "Let the winch run empty for three minutes before the first haul of a winter day.",
    "Set the soft starter with the coldest morning in mind, not with the day of its installation.",
    "Change to synthetic oil at the service that comes before the winter. Drain the old oil warm; mixing the two "
    "kinds costs half of the gain.",
    "Measure the motor current in the second minute of a haul once a month. A rise of a tenth over the figure of the "
    "autumn means that the oil holds water.",
)
LIMITS = (
    "We tested one gearbox of each type, all new and all of one maker. Worn gears have more play and may lose less to "
    "the oil and more to the teeth. Wind was absent from the chamber; on an open quay the gearbox cools faster "
    "between two hauls than it did on our stand.",
)
CONCLUSION = (
    "For harbours that see less than −10 °C we recommend planetary gears, or worm gears with synthetic oil where the "
    "budget is small. Rating plates should give the efficiency at −10 °C beside the one at +20 °C.",
)
REFERENCES = (
    "[1] A. Brandvold, Windlasses in ice, Port Ansel Technical Notes 12, 2017.",
    "[2] M. Oyelaran and T. Sundby, Viscosity of gear oils below zero, Port Ansel Technical Notes 19, 2021.",
    "[3] Quillmere Winch Works, Test stand W3: calibration record, 2024.",
)
RULED = (
    ("Temperature", "Worm", "Helical", "Planetary"),
    ("+30 °C", "0.73", "0.90", "0.95"),
    ("+20 °C", "0.71", "0.89", "0.94"),
    ("0 °C", "0.64", "0.86", "0.92"),
    ("−10 °C", "0.59", "0.83", "0.90"),
    ("−20 °C", "0.53", "0.79", "0.87"),
)
BORDERLESS = (
    ("Gear", "Mineral", "Synthetic", "Gain"),
    ("Worm", "0.53", "0.64", "+0.11"),
    ("Helical", "0.79", "0.84", "+0.05"),
    ("Planetary", "0.87", "0.90", "+0.03"),
)


class Columns(Paper):
    """A paper whose cursor goes through the left column, then the right one, then the next page."""

    def __init__(self) -> None:
        super().__init__(top=74, bottom=772, left=LEFT, width=COLUMN, running=_running)

    def room(self, height: float) -> None:
        """Go to the next column unless `height` is left in this one."""
        if self.y + height <= self.bottom:
            return
        if self.left == LEFT:
            self.left, self.y = RIGHT, self.top
        else:
            self.left, self.top, self.bottom = LEFT, 74, 412
            self.new_page()


def _running(paper: Paper, page: int) -> None:
    paper.put(LEFT, 46, "Port Ansel Technical Notes 27 (2025)", "serif-italic", 9, color=GREY)
    paper.put(WIDTH - LEFT, 46, f"{40 + page}", "serif", 9, color=GREY, align="right")
    if page == 1:
        paper.put(LEFT, HEIGHT - 40, "Correspondence: test stand W3, Quillmere Winch Works.", "serif", 8, color=GREY)


def _head(paper: Columns) -> None:
    paper.put(WIDTH / 2, 92, "Gear Efficiency of Small Harbour Winches", "serif-bold", 19, align="centre")
    paper.put(WIDTH / 2, 115, "in Cold Weather", "serif-bold", 19, align="centre")
    paper.put(WIDTH / 2, 140, "Ingrid Solheim-Achebe and Tomas Varga", "serif", 11.5, align="centre")
    paper.put(WIDTH / 2, 155, "Quillmere Winch Works, Port Ansel", "serif-italic", 10, align="centre")
    paper.left, paper.width, paper.y = LEFT + 36, WIDTH - 2 * LEFT - 72, 174
    paper.put(WIDTH / 2, 184, "Abstract", "serif-bold", 10, align="centre")
    paper.y = 190
    paper.paragraph(ABSTRACT, size=9.5, justify=True)
    paper.left, paper.width = LEFT, COLUMN
    paper.y = paper.top = paper.y + 14


def _section(paper: Columns, title: str, paragraphs: tuple[str, ...]) -> None:
    paper.heading(title, 11.5, face="serif-bold", before=6)
    for text in paragraphs:
        paper.paragraph(text, size=9.6, justify=True, after=5)


def _caption(paper: Columns, text: str) -> None:
    paper.paragraph(text, "serif-italic", 8.8, after=3)


def _table(paper: Columns, caption: str, rows: tuple[tuple[str, ...], ...], *, ruled: bool) -> None:
    paper.room(40 + 16 * len(rows))
    paper.y += 4
    _caption(paper, caption)
    top = paper.y
    stops: list[tuple[float, Align]] = [(6, "left"), (115, "right"), (170, "right"), (229, "right")]
    for index, row in enumerate(rows):
        if ruled:
            paper.rule(paper.left, paper.left + COLUMN, paper.y, color=INK, width=0.5)
        paper.y += 11
        table_row(paper, row, stops, "serif-bold" if index == 0 else "serif", 9.2)
        paper.y += 5
    if ruled:
        paper.rule(paper.left, paper.left + COLUMN, paper.y, color=INK, width=0.5)
        for offset in (0, 76, 122, 176, COLUMN):
            x = paper.left + offset
            paper.page.draw_line((x, top), (x, paper.y), color=INK, width=0.5)
    paper.y += 10


def _chart(paper: Columns) -> None:
    paper.room(175)
    left, base, high = paper.left + 30, paper.y + 118, 104
    for step in range(0, 6):
        y = base - step * high / 5
        paper.rule(left, paper.left + COLUMN, y, width=0.3)
        paper.put(left - 5, y + 3, f"{step / 5:.1f}", "sans", 7, align="right")
    colors = ((0.20, 0.41, 0.60), (0.55, 0.65, 0.72), NAVY)
    for group, row in enumerate(RULED[1:]):
        x = left + 10 + group * 39
        for bar, value in enumerate(row[1:]):
            paper.fill(x + bar * 9, base - high * float(value), x + bar * 9 + 8, base, colors[bar])
        paper.put(x + 13, base + 10, row[0], "sans", 7, align="centre")
    for bar, name in enumerate(RULED[0][1:]):
        paper.fill(left + 20 + bar * 62, base + 17, left + 27 + bar * 62, base + 24, colors[bar])
        paper.put(left + 31 + bar * 62, base + 23.5, name, "sans", 7)
    paper.y = base + 32
    _caption(paper, "Figure 1: Efficiency of the three gears with mineral oil at five temperatures.")
    paper.y += 6


def make(path: Path) -> None:
    """Write the article."""
    paper = Columns()
    _head(paper)
    _section(paper, "1 Introduction", INTRODUCTION)
    _section(paper, "2 Method", METHOD)
    _section(paper, "3 Results", RESULTS[:1])
    _table(paper, "Table 1: Efficiency with mineral oil VG 220, second minute.", RULED, ruled=True)
    _chart(paper)
    for text in RESULTS[1:2]:
        paper.paragraph(text, size=9.6, justify=True, after=5)
    _table(paper, "Table 2: Efficiency at −20 °C by oil.", BORDERLESS, ruled=False)
    for text in RESULTS[2:]:
        paper.paragraph(text, size=9.6, justify=True, after=5)
    _section(paper, "4 Discussion", DISCUSSION)
    _section(paper, "5 Advice for operators", ("The measurements lead to four simple rules:",))
    for text in ADVICE:
        paper.paragraph(text, size=9.6, indent=14, mark="•", after=3)
    _section(paper, "6 Limits", LIMITS)
    _section(paper, "7 Conclusion", CONCLUSION)
    paper.heading("References", 11.5, face="serif-bold", before=6)
    for text in REFERENCES:
        paper.paragraph(text, size=8.8, after=3)
    paper.save(path, TITLE, author="Ingrid Solheim-Achebe, Tomas Varga")
