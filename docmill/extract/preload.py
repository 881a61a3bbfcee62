"""Loads what reading any document needs when it is imported: the fork server does that once, for all worker processes.

Loaded in each worker anew it costs 0.3 CPU-s a process, as much as reading a hundred pages of text.
"""

import pyarrow  # noqa: F401 - reading artifacts needs its errors

from docmill.extract.language import language_of

language_of("Loads the model that tells the language of a text by its letters.")
