"""Makes charts.pdf (Apache-2.0, ours) by matplotlib 3.11, which is no dependency: install it, then run this file."""

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages

matplotlib.use("pdf")
import matplotlib.pyplot as plt


def draw(pages: PdfPages, kind: str) -> None:
    """A page with one chart."""
    figure, axes = plt.subplots()
    if kind == "bars":
        axes.bar(["Q1", "Q2", "Q3", "Q4"], [12.5, 31, 24.2, 48.9])
        axes.set_title("Pumps sold by quarter")
        axes.set_ylabel("thousand")
    elif kind == "horizontal":
        axes.barh(["North", "South", "East", "West"], [120, 340, 275, 90])
    elif kind == "groups":
        for shift, year, values in ((-0.2, "2024", [3, 5, 7]), (0.2, "2025", [4, 6, 2])):
            axes.bar([place + shift for place in range(3)], values, 0.4, label=year)
        axes.set_xticks(range(3), ["A", "B", "C"])
        axes.set_ylim(0, 12)
        axes.legend()
    elif kind == "stacks":
        axes.bar(["A", "B", "C"], [3, 5, 7], label="old")
        axes.bar(["A", "B", "C"], [1, 2, 3], bottom=[3, 5, 7], label="new")
        axes.legend(loc="upper left")
    elif kind == "line":
        axes.plot([1, 2, 3, 4], [3, 5, 4, 8])
        axes.set_title("Pressure in bar")
    elif kind == "pie":
        axes.pie([40, 35, 25], labels=["Pumps", "Valves", "Seals"], autopct="%1.0f%%")
    else:
        axes.bar(["A", "B", "C", "D"], [3, -2, 5, -1])
    pages.savefig(figure)


if __name__ == "__main__":
    with PdfPages(Path(__file__).with_name("charts.pdf"), metadata={"CreationDate": None}) as pages:
        for kind in ("bars", "horizontal", "groups", "stacks", "line", "pie", "below zero"):
            draw(pages, kind)
