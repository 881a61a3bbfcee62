"""Writes docs/cli.md, docs/configuration.md and docs/formats.md from the code; a test holds them to it.

Run it by `.venv/bin/python docs/generate.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docmill.cli.app import app
from docmill.extract.features import FEATURES, Feature
from docmill.extract.registry import SUPPORTED
from docmill.settings import Settings

HERE = Path(__file__).parent

CLI_HEAD = """\
# The `docmill` command

Every command takes `--json` where it prints something that a program might read, and shows a progress bar on standard
error where it takes long. Exit codes:

| code | meaning |
|---|---|
| 0 | all good |
| 1 | usage or system error: the message says what and the way out |
| 2 | some documents failed; the others are searchable |
| 130 | interrupted; the same command resumes |

This page is written by `docs/generate.py` from the code.
"""

CONFIGURATION_HEAD = """\
# Configuration

Settings come from `docmill.toml` in the current folder and from the environment, which wins: `DOCMILL_HOME`,
`DOCMILL_BATCH__DOCUMENTS` (two underscores between the levels), `DOCMILL_WATCH='{"default": "s3://bucket/prefix/"}'`.
Unknown names in the file are errors. Empty addresses mean the embedded default below `home`.

S3 credentials, region and endpoint come by the usual AWS chain: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_DEFAULT_REGION`, `AWS_PROFILE`, instance roles, `AWS_ENDPOINT_URL_S3`. Secrets (`ledger_url`, `milvus_token`, `password`)
belong in the environment.

```toml
# docmill.toml
home = "/var/lib/docmill"
collection = "manuals"

[watch]
manuals = "s3://company-documents/manuals/"

[pipeline.extract]
mode = "fast"
```

This table is written by `docs/generate.py` from the code.

| key | default | what it is |
|---|---|---|
"""


FORMATS_HEAD = """\
# What is read of each format

The type is told by the content, not by the name; a name that says otherwise is noted on the document. Everything is
read as text in reading order; the table says what else. Each ✓ is held by a test that reads a small real document of
the type (`tests/extract/test_features.py`).

- **merged cells**: a cell with its spans stands once, at its first row and column. **notes**: footnotes, endnotes and
  speakers' notes. **members**: documents inside, which become documents of their own (`mail.eml!/report.pdf`), to any
  depth within `extract.max_depth`; of a PDF the files attached to it. **text of pictures** is read in mode `accurate`, in mode `auto` where there is no
  other text.
- *Tracked changes*: the final text; insertions count, deletions do not (in docx they do with `extract.office.deleted`).
  *Formulas* of sheets: their values; `extract.office.formulas` keeps the formulas of xlsx and ods beside them.
- *Hidden* sheets, rows, columns and slides are read, and sheets and slides marked as hidden.
  `extract.office.hidden = false` leaves them out, with the comments and pictures on them. Hidden text of a text
  document or web page is left out.
- **charts**: with their data as a table, as far as it can be told; else with a note in their metadata. Charts and
  infographics are told in all pictures that are read, in files of their own and inside of others ([how](media.md#charts)).
  *Drawings* (SVG, EMF, WMF) inside of documents are drawn and read like pictures; EMF and WMF need LibreOffice.
- *ppt* needs LibreOffice (Debian: `libreoffice-impress-nogui`). Nothing that a document points to outside of itself is
  fetched, no macro is run, no XML entity is expanded.
- Encrypted documents, damaged ones, 7z, rar and other types are refused with the way out.

This page is written by `docs/generate.py` from the code.

"""


def formats_page() -> str:
    """What each reader declares."""
    lines = ["| type | " + " | ".join(Feature) + " |", "|---" * (len(Feature) + 1) + "|"]
    for label in sorted(SUPPORTED):
        marks = ("✓" if feature in FEATURES[label] else "" for feature in Feature)
        lines.append(f"| {label} | " + " | ".join(marks) + " |")
    return FORMATS_HEAD + "\n".join(lines) + "\n"


def cli_page() -> str:
    """The help of every command."""
    group = typer.main.get_command(app)
    context = group.make_context("docmill", [], resilient_parsing=True)
    parts = [CLI_HEAD]
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        for below, each in sorted(getattr(command, "commands", {"": command}).items()):
            full = f"{name} {below}".strip()
            parts += [f"## docmill {full}", "", _help(each, full), ""]
    return "\n".join(parts)


def _help(command: object, name: str) -> str:
    """A command's description, arguments and options as text that does not depend on the terminal."""
    lines = [" ".join(command.help.split()), ""]
    for parameter in command.params:
        option = parameter.param_type_name == "option"
        names = ", ".join(parameter.opts) if option else str(parameter.name).upper()
        default, text = parameter.default, getattr(parameter, "help", "") or ""
        shown = f" (default: {getattr(default, 'value', default)})" if default not in (None, "", False, ()) else ""
        lines.append(f"- `{names}` {text}{shown}")
    return "\n".join(lines)


def configuration_page() -> str:
    """Every setting with its default."""
    rows = [f"| `{key}` | {default} | {text} |" for key, default, text in _settings(Settings, "")]
    return CONFIGURATION_HEAD + "\n".join(rows) + "\n"


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        below = [each for each in get_args(kind) if isinstance(each, type) and issubclass(each, BaseModel)]
        for each in below:
            yield from _settings(each, f"{prefix}{name}.<name>.")
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _default(name, field), field.description or ""


def _default(name: str, field: FieldInfo) -> str:
    if name == "processes":
        return "the cores, at most 8"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None) else "–"


def main() -> None:
    """Write the pages."""
    (HERE / "cli.md").write_text(cli_page(), encoding="utf-8")
    (HERE / "formats.md").write_text(formats_page(), encoding="utf-8")
    (HERE / "configuration.md").write_text(configuration_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
