"""PDF files to elements: text, tables and figures from the page's own marks, OCR only where a page needs it."""

from docmill.extract.pdf.reader import read_pdf
from docmill.extract.pdf.scans import PageOcr

__all__ = ["PageOcr", "read_pdf"]
