"""`docmill ingest FOLDER` that kills itself by SIGKILL at a write: killed_ingest.py METHOD NUMBER before|after FOLDER.

METHOD is `record` (outcomes, in the ledger), `upsert` or `delete` (rows, in Milvus Lite).
"""

import os
import signal
import sys

from docmill.cli.app import main
from docmill.index.milvus import MilvusIndex
from docmill.ledger import Ledger

METHOD, NUMBER, WHEN, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
OWNER = Ledger if METHOD == "record" else MilvusIndex
written = 0
write = getattr(OWNER, METHOD)


def mortal(self, *arguments):
    global written
    written += 1
    if written == NUMBER and WHEN == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = write(self, *arguments)
    if written == NUMBER and WHEN == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


setattr(OWNER, METHOD, mortal)
sys.argv = ["docmill", "ingest", FOLDER, "--runner", "library", "--json"]
main()
