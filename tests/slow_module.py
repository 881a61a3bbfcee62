"""Takes 2 s to be imported, as the readers on a machine that is loaded."""

import time

time.sleep(2)
