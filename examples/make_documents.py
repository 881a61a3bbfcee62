"""Writes the example documents into `examples/documents`; a second run gives the same bytes.

    python examples/make_documents.py [FOLDER]

Needs pymupdf, python-docx, python-pptx, openpyxl, Pillow and numpy, all of which docmill installs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from making import article, handbook, office, papers, pictures, plain

FOLDER = Path(__file__).parent / "documents"


def main(folder: Path) -> None:
    """Write every document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    handbook.make(folder / "handbook.pdf")
    article.make(folder / "two_columns.pdf")
    papers.price_list(folder / "price_list.pdf")
    papers.scanned_letter(folder / "scanned_letter.pdf")
    papers.broken(folder / "broken.pdf", whole=folder / "handbook.pdf")
    pictures.nameplate(folder / "nameplate.png")
    office.maintenance(folder / "maintenance.docx")
    office.training(folder / "training.pptx")
    office.inventory(folder / "inventory.xlsx")
    plain.sensors(folder / "sensors.csv")
    plain.texts(folder)
    plain.complaint(folder / "complaint.eml")
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>8}  {path.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
