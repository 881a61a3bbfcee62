"""docmill as `docmill_runner.py` runs it, but through the Dagster job `ingest_batch`: what Dagster costs around it."""

from docmill_runner import PACKAGES, main

if __name__ == "__main__":
    main("dagster", (*PACKAGES, "dagster"))
