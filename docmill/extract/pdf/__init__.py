"""PDF files to elements: text, tables and figures from the page's own marks, OCR only where a page needs it."""

from docmill.extract.pdf.pageread import Head, PageRead
from docmill.extract.pdf.reader import PdfFile, failed_page, join_pages, read_pdf
from docmill.extract.pdf.scans import PageOcr

__all__ = ["Head", "PageOcr", "PageRead", "PdfFile", "failed_page", "join_pages", "read_pdf"]
