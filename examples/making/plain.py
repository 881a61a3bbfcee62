"""sensors.csv, release_notes.html, runbook.md and complaint.eml."""

from __future__ import annotations

import csv
import io
import math
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

RELEASE_NOTES = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>QuayView 3.2 release notes</title>
<style>body { font-family: sans-serif; max-width: 44em } td, th { padding: 0.2em 0.8em; border: 1px solid #999 }</style>
<script>window.visits = (window.visits || 0) + 1;</script>
</head>
<body>
<nav><a href="/">Home</a> | <a href="/downloads">Downloads</a></nav>
<h1>QuayView 3.2 release notes</h1>
<p>QuayView shows the load, the temperature and the hours of every winch of a harbour. Version 3.2 was released on
<time datetime="2025-02-18">18 February 2025</time>.</p>
<h2>New</h2>
<ul>
<li>Alarms can be sent to a pager group:
  <ul><li>one group for each quay</li><li>quiet hours from 22:00 to 05:00</li></ul></li>
<li>The load curve can be exported as <code>CSV</code>.</li>
</ul>
<h2>Corrected</h2>
<table>
<caption>Faults corrected in 3.2</caption>
<thead><tr><th>Number</th><th>Fault</th><th>Since</th></tr></thead>
<tbody>
<tr><td>QV-881</td><td>Hours of work were counted twice when the clock changed to summer time</td><td>3.0</td></tr>
<tr><td>QV-894</td><td>The map stayed empty with more than 64 winches</td><td>3.1</td></tr>
<tr><td>QV-902</td><td>Temperatures below −9.9 °C lost their sign in the report</td><td>2.8</td></tr>
</tbody>
</table>
<h2>Before you update</h2>
<ol>
<li>Save the settings with <code>quayview export --all</code>.</li>
<li>Stop the collector. Readings of this time are kept by the winches for 72 hours.</li>
</ol>
<p>Questions: <a href="mailto:quayview@quillmere.example">quayview@quillmere.example</a></p>
<footer>© 2025 Quillmere Winch Works</footer>
</body>
</html>
"""

RUNBOOK = """\
# Runbook: QuayView collector

The collector reads every winch once a minute over radio and writes to the harbour database.
On call: see the [duty list](https://intranet.quillmere.example/duty).

## The alarm "collector silent"

It fires when no reading arrived for ten minutes.

1. Look at the lamp of the radio mast. Dark means: no power, call the harbour electrician.
2. Log in to `qv-collector-1` and look at the service:

   ```console
   $ systemctl status quayview-collector
   $ journalctl -u quayview-collector --since "15 minutes ago"
   ```

3. Restart it **once**. If it falls silent again within five minutes, do not restart it a second time:
   - move the radio to the spare channel 7,
   - write to the incident log,
   - wake the second engineer.

## Disk of the database is full

| Filled | What to do |
|-------:|------------|
| 80 %   | Open a ticket for the next working day |
| 90 %   | Delete raw readings older than 400 days |
| 97 %   | Stop the collector; the winches keep 72 hours themselves |

> Never delete the table `permits`. The harbour authority asks for it every January.

## Restoring a backup

Backups are taken at 02:15 and kept for 35 days. A restore of one harbour takes about 25 minutes.
"""

COMPLAINT = """\
Dear service desk,

we bought two QW-250 winches from you in July 2022. The one with the serial number QW250-2207-0418 has now
failed for the third time in five weeks: the brake lifts only after the second press of the button. On
Friday a boat hung on the slip for 50 minutes.

Your engineer changed the magnet on 3 February (job J-5582), which did not help. His report is attached.

We ask for a replacement of the whole brake without charge before Easter, and for a loan winch until then.

Kind regards
Marit Okonjo
Skarholm Boatyard
"""

REPORT = """\
Service report J-5582
Winch: QW-250, Skarholm Boatyard, slip 2
Date: 2025-02-03
Found: air gap 0.60 mm, magnet weak
Done: magnet changed, gap set to 0.35 mm, ten test hauls without fault
Engineer: T. Varga
Time on site: 2 h 40 min
"""


def sensors(path: Path) -> None:
    """Write 96 readings of three winches, one every 45 minutes, with a gap where a sensor was silent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("time", "winch", "load_kg", "oil_celsius", "hours", "note"))
    start = datetime(2025, 2, 10, 6, 0)
    notes = {(2, 17): "sensor silent", (3, 9): "rope changed, 120 m"}
    for step in range(32):
        when = (start + timedelta(minutes=45 * step)).isoformat()
        for number, rated in ((1, 1200), (2, 2500), (3, 4000)):
            load = max(0, round(rated * (0.45 + 0.4 * math.sin(step / 3 + number))))
            oil = round(14 + 18 * load / rated + 0.4 * step, 1)
            note = notes.get((number, step), "")
            readings = ("", "") if note == "sensor silent" else (load, oil)
            writer.writerow((when, f"N{number}", *readings, round(811.5 + step * 0.75, 2), note))
    path.write_text(out.getvalue(), encoding="utf-8", newline="")


def complaint(path: Path) -> None:
    """Write the e-mail: a plain text, the same as HTML, and one attached report."""
    message = EmailMessage()
    message["From"] = "Marit Okonjo <marit@skarholm.example>"
    message["To"] = "service@quillmere.example"
    message["Cc"] = "workshop@quillmere.example"
    message["Subject"] = "Third failure of the brake, QW-250 on slip 2"
    message["Date"] = "Mon, 03 Mar 2025 08:12:44 +0100"
    message["Message-ID"] = "<20250303081244.418@skarholm.example>"
    message.set_content(COMPLAINT)
    paragraphs = "".join(f"<p>{' '.join(part.split())}</p>\n" for part in COMPLAINT.strip().split("\n\n"))
    message.add_alternative(f"<html><body>\n{paragraphs}</body></html>\n", subtype="html")
    message.add_attachment(REPORT, filename="report_J-5582.txt")
    message.set_boundary("=_mixed_20250303")
    next(message.iter_parts()).set_boundary("=_alternative_20250303")
    path.write_bytes(message.as_bytes())


def texts(folder: Path) -> None:
    """Write the HTML page and the Markdown runbook."""
    (folder / "release_notes.html").write_text(RELEASE_NOTES, encoding="utf-8", newline="")
    (folder / "runbook.md").write_text(RUNBOOK, encoding="utf-8", newline="")
