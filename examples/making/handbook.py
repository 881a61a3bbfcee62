"""handbook.pdf: five pages with an outline, lists, a small table, a figure with its caption and running footers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from making.paper import GREY, HEIGHT, NAVY, PALE, WIDTH, Align, Paper, table_row
from making.pictures import winch

TITLE = "Operator's Handbook for QW Series Winches"

SAFETY = (
    "Only persons who have passed the operator course of the harbour may work a winch. The course is valid for 24 "
    "months.",
    "Wear gloves and safety shoes. Loose clothing and lanyards do not belong near a turning drum.",
    "Keep everybody out of the line of the rope. A rope that parts under load comes back faster than a person can "
    "turn.",
    "Never lift persons. QW winches are built for hauling and warping, not for lifting of any kind.",
)
START = (
    "Look at the rope over its full length. Stop if you see more than six broken wires in any 30 cm.",
    "Turn the main switch to ON and wait for the green lamp. The self-test takes eight seconds.",
    "Press the brake release twice. You must hear the brake lift and fall both times.",
    "Run the empty drum one full turn in each direction at low speed.",
    "Enter the result in the winch log and sign it.",
)
CONTROLS = (
    ("Lamp", "Meaning", "What to do"),
    ("Green, steady", "Ready", "Work normally"),
    ("Green, blinking", "Self-test", "Wait eight seconds"),
    ("Amber, steady", "Motor above 110 °C", "Pause for 15 minutes"),
    ("Amber, blinking", "Service due within 20 hours", "Tell the workshop"),
    ("Red, steady", "Emergency stop pressed", "Find the cause, then release"),
    ("Red, blinking", "Brake fault", "Lock the winch and call service"),
)
PARTS = (
    "The gearbox holds 4.5 litres of oil. Its sight glass is on the side away from the sea.",
    "The drum takes 120 m of rope in five layers. The rope clamp sits behind the landward flange.",
    "The motor carries the brake on its free end, under the cover with the drain holes.",
    "The foundation frame is fixed by eight bolts. Red paint marks show whether a nut has turned.",
)
SIZES = (
    ("Type", "Line pull (kg)", "Motor (kW)", "Rope (mm)", "Speed (m/min)"),
    ("QW-120", "1,200", "2.2", "8", "14"),
    ("QW-250", "2,500", "4.0", "11", "12"),
    ("QW-400", "4,000", "7.5", "14", "12"),
    ("QW-750", "7,500", "11.0", "19", "9"),
)
CARE = (
    ("Every day", "Wipe the control stand, look at the rope, test the emergency stop."),
    (
        "Every week",
        "Grease both drum bearings with two strokes of the hand gun. Clear the drain holes of the motor cover.",
    ),
    (
        "Every 250 hours",
        "Check the oil of the gearbox and the wear of the brake band. The workshop does this with the maintenance "
        "guide.",
    ),
    (
        "Every two years",
        "Change the rope, whatever it looks like, and test the winch at 1.25 times its rated line pull.",
    ),
)
FAULTS = (
    (
        "The motor hums but the drum stands still",
        "The brake has not lifted. Release the button at once: a motor that hums for more than ten seconds trips its "
        "thermal switch and needs 40 minutes to cool down. Check fuse F3 in the control cabinet.",
    ),
    (
        "The rope piles up on one side",
        "The fleet angle is larger than two degrees. Move the lead block further away from the drum, at least 18 drum "
        "widths, or fit the level wind that is sold as an accessory.",
    ),
    (
        "The load creeps down after stopping",
        "Put the load down and lock the winch. The brake band is worn or oily. Do not tighten the band to get through "
        "the shift.",
    ),
)


def _running(paper: Paper, page: int) -> None:
    if page == 1:
        return
    paper.put(72, 50, "Quillmere Winch Works", "sans", 8, color=GREY)
    paper.put(WIDTH - 72, 50, "Operator's Handbook", "sans", 8, color=GREY, align="right")
    paper.rule(72, WIDTH - 72, 56)
    paper.rule(72, WIDTH - 72, HEIGHT - 54)
    paper.put(72, HEIGHT - 42, "Document QH-07, edition 4, March 2025", "sans", 8, color=GREY)
    paper.put(WIDTH - 72, HEIGHT - 42, f"Page {page}", "sans", 8, color=GREY, align="right")


def _cover(paper: Paper) -> None:
    paper.fill(0, 0, WIDTH, 250, NAVY)
    paper.put(72, 130, "Operator's Handbook", "sans-bold", 34, color=(1, 1, 1))
    paper.put(72, 170, "QW Series Winches: QW-120, QW-250, QW-400, QW-750", "sans", 15, color=PALE)
    paper.put(72, 222, "Quillmere Winch Works, Port Ansel", "sans", 11, color=PALE)
    paper.page.insert_image((72, 300, WIDTH - 72, 568), stream=winch())
    paper.y = 610
    paper.paragraph(
        "This handbook is for the people who stand at the winch. It says what to look at before work, how to haul, "
        "what the lamps mean and when to call the workshop. Repairs are not described here: they are in the "
        "maintenance guide.",
        size=11.5,
    )
    paper.put(72, 760, "Document QH-07, edition 4, March 2025", "sans", 9, color=GREY)


def _safety(paper: Paper) -> None:
    paper.new_page()
    paper.heading("1 Safety", 18)
    paper.paragraph(
        "A winch stores energy in its rope. Most accidents in our field happen not at the drum but beside the rope, "
        "to people who were only watching. The four rules below come before every other instruction of this handbook."
    )
    for rule in SAFETY:
        paper.paragraph(rule, indent=20, mark="•", after=4)
    paper.heading("1.1 Rated line pull", 13, level=2)
    paper.paragraph(
        "The number in the name of a winch is a tenth of its rated line pull in kilograms, measured on the first "
        "layer of rope: a QW-250 hauls 2,500 kg. With each further layer the pull falls by about nine per cent, "
        "because the rope then stands further from the axis of the drum. Read the pull for your layer on the plate "
        "beside the control stand."
    )
    paper.heading("1.2 Emergency stop", 13, level=2)
    paper.paragraph(
        "The red mushroom button cuts the motor and lets the brake fall within 0.4 seconds. Every operator presses it "
        "once at the beginning of a shift, with an empty drum. After an emergency stop under load the winch stays "
        "locked until a second person has looked at the rope and at the foundation bolts."
    )


def _grid(paper: Paper, rows: Sequence[Sequence[str]], stops: Sequence[tuple[float, Align]]) -> None:
    for index, row in enumerate(rows):
        if index == 0:
            paper.fill(72, paper.y, WIDTH - 72, paper.y + 18, NAVY)
        paper.y += 12.5
        if index == 0:
            table_row(paper, row, stops, "sans-bold", color=(1, 1, 1))
        else:
            table_row(paper, row, stops)
        paper.y += 5.5
        paper.rule(72, WIDTH - 72, paper.y, width=0.4)
    paper.y += 10


def _parts(paper: Paper) -> None:
    paper.new_page()
    paper.heading("2 The parts of the winch", 18)
    paper.paragraph(
        "All four sizes are built alike (Figure 1). The gearbox and the motor stand at opposite ends of the drum, so "
        "that either can be taken off without unreeving the rope."
    )
    top = paper.y + 4
    paper.page.insert_image((132, top, WIDTH - 132, top + 197), stream=winch())
    paper.y = top + 207
    paper.paragraph(
        "Figure 1: A QW-400 from the operator's side. 1 gearbox, 2 drum flange, 3 rope, 4 motor, 5 foundation frame.",
        "sans-italic",
        9,
        after=12,
    )
    for part in PARTS:
        paper.paragraph(part, indent=20, mark="•", after=4)
    paper.heading("2.1 Sizes", 13, level=2)
    _grid(paper, SIZES, ((6, "left"), (160, "right"), (250, "right"), (350, "right"), (445, "right")))


def _work(paper: Paper) -> None:
    paper.new_page()
    paper.heading("3 Before work", 18)
    paper.paragraph("Do these five things in this order at the beginning of each shift:")
    for number, step in enumerate(START, 1):
        paper.paragraph(step, indent=20, mark=f"{number}.", after=4)
    paper.heading("4 Hauling", 18, before=16)
    paper.paragraph(
        "Take up the slack at low speed until the rope is straight. Stop, look along the rope, and only then go to "
        "working speed. Keep at least five turns of rope on the drum: the rope clamp alone does not hold the load."
    )
    paper.paragraph(
        "Work in the rhythm of the motor. At full load the duty cycle is 25 per cent, that is 15 minutes of hauling "
        "in an hour. At half load the winch may run without a pause. Two winches must not haul on one load unless the "
        "shift leader directs them."
    )
    paper.heading("4.1 Lamps on the control stand", 13, level=2)
    _grid(paper, CONTROLS, ((6, "left"), (130, "left"), (295, "left")))
    paper.heading("4.2 After work", 13, level=2)
    paper.paragraph(
        "Turn the main switch to OFF and lock it. Put the tarpaulin over the drum when rain or frost is expected. "
        "Write the hours of the counter into the winch log, and say in one sentence what was unusual, even if you put "
        "it right yourself."
    )


def _care(paper: Paper) -> None:
    paper.new_page()
    paper.heading("5 Care", 18)
    paper.paragraph("The operator does the daily and weekly care. Everything else belongs to the workshop.")
    for when, what in CARE:
        paper.heading(when, 11, level=0, before=4)
        paper.paragraph(what, indent=20, mark="•")
    paper.heading("6 When something is wrong", 18, before=16)
    for fault, help_ in FAULTS:
        paper.heading(fault, 11.5, level=2, before=6)
        paper.paragraph(help_)
    paper.heading("7 Service", 18, before=16)
    paper.paragraph(
        "The service desk in Port Ansel answers from 06:00 to 22:00 on every day of the year. Have the serial number "
        "of the nameplate at hand. Outside these hours the recorded message names the engineer on call."
    )


def make(path: Path) -> None:
    """Write the handbook."""
    paper = Paper(running=_running)
    _cover(paper)
    _safety(paper)
    _parts(paper)
    _work(paper)
    _care(paper)
    paper.save(path, TITLE)
