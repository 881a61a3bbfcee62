"""Elements to better elements: pictures described, personal data taken out."""

from docmill.enrich.captions import Captioner
from docmill.enrich.redaction import Redactor

__all__ = ["Captioner", "Redactor"]
