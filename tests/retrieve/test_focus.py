"""What a question asks for, without what it says of the answer."""

import pytest

from docmill.retrieve.focus import focused


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("Does it leak? If leaks are of no use here, then state that and explain why.", "Does it leak?"),
        ("What is its mass? Round your answer to two decimal places.", "What is its mass?"),
        ("What is its mass (in units of tons and round to one decimal place)?", "What is its mass ?"),
        ("Assume that you are an engineer. Answer the following question: how hot is it?", "how hot is it?"),
        ("Which pump is it? Answer by relying on the details shown in the log.", "Which pump is it? Answer the log."),
        ("are there any papers dealing with heat", "heat"),
        ("Has anyone investigated the drag of cones?", "the drag of cones?"),
        ("Can you please tell me about valves?", "about valves?"),
    ],
)
def test_stop_structures_are_left_out(question: str, left: str):
    assert focused(question, "english") == left


@pytest.mark.parametrize(
    "question",
    [
        "If the pump fails, how much can each valve hold?",
        "Do cultures give information about blood?",
        "Who shall answer the phone?",
        "Round your answer to two decimal places.",  # nothing else is asked
        "  Where is the report?  It is long. ",
    ],
)
def test_what_is_asked_stays_as_it_is(question: str):
    assert focused(question, "english").split() == question.split()


def test_other_languages_are_left_as_they_are():
    question = "Please tell me about valves?"
    assert focused(question, "german") == question
