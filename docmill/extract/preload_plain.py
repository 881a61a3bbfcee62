"""Loads what reading plain text needs when it is imported: the fork server does that once, for all worker processes.

Imported in each worker anew it costs 2.2 CPU-s a process, as much as reading a thousand short texts.
"""

from docmill.extract.plain import classifier

classifier()("Loads the tokenizer")
