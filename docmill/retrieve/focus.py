"""What a question asks for, without what it says of the answer to give and of who asks.

"What is the quick ratio? If that is no useful metric, then state that and explain why." is a question for the quick
ratio: documents that explain something are not its subject, and words such as "state" and "round" are rare in them, so
they would count much. Such stop structures are left out before a question is searched for (J. Callan, W. B. Croft and
S. Harding, "The INQUERY retrieval system", DEXA 1992; S. Huston and W. B. Croft, "Evaluating verbose query processing
techniques", SIGIR 2010, found it the best of the simple ways with long questions). They are those of English.
"""

from __future__ import annotations

import re

_LANGUAGE = "english"
_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[A-Z0-9(\"'])")
_ANYTHING = re.compile(r"\w{2}")

_PLEASE = r"(?:please\s+)?"
_HOW = r"(?:(?:primarily|mainly|mostly|only|solely|clearly|directly|plainly|explicitly|exclusively)\s+)*"
_TELL = r"(?:state|say|explain|answer|respond|reply|write|return|mention|indicate|note|tell)"
_RESULT = r"(?:answer|result|response|solution|output)"
_WORKS = r"(?:papers?|articles?|documents?|reports?|studies|literature|publications?|information|data|research|works?)"
_ABOUT = (
    r"(?:dealing\s+with|(?:that|which)\s+deals?\s+with|concerned\s+with|concerning|regarding|relating\s+to|about|on)"
)
_GIVEN = r"(?:information|details|data|facts?|line\s+items|figures|numbers)"
_SHOWN = r"(?:shown|provided|outlined|stated|given|found|contained|presented|listed|available)"
_RESTING_ON = (
    r"(?:(?:rely|relying|based|(?:basing|base)\s+your\s+\w+)\s+(?:up)?(?:on|by)|us(?:e|ing)|utili[sz](?:e|ing)|"
    r"according\s+to|in\s+agreement\s+with|taking\s+into\s+account|drawing\s+conclusions\s+from|from)"
)
_COUNT = r"(?:\d+|one|two|three|four|five|six|no|the\s+nearest)"


def _patterns(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(each, re.IGNORECASE) for each in patterns)


_INSTRUCTIONS = _patterns(
    rf"(?:if|when|unless|in\s+case)\b[^?]*(?:,|\bthen\b)\s*(?:then\s+)?{_PLEASE}(?:just\s+|simply\s+)?{_TELL}\b[^?]*",
    rf"{_PLEASE}(?:round|express|report|format|present|write|give|state|provide)\s+"
    rf"(?:your|the|an?)\s+(?:final\s+)?{_RESULT}\b(?!\s+to\s+the\b)[^?]*",
    rf"{_PLEASE}answer\s+(?:in|with|as|only|briefly|concisely)\b[^?:]*",
    rf"{_PLEASE}(?:assume|pretend|imagine|suppose)(?:\s+that)?\s+you\s+(?:are|were)\b[^?:]*",
    rf"{_PLEASE}(?:explain|show|justify)\s+(?:why|your|how\s+you)\b[^?]*",
    r"(?:we|i)\s+(?:need|want|have)\s+to\s+(?:calculate|compute|find|know|answer|determine)\b[^?:]*",
)
"""Sentences that are left out as a whole: how to answer, and as whom."""

_PHRASES = _patterns(
    rf"\(?\b(?:in\s+units?\s+of\s+\w+(?:\s+and)?\s+)?round(?:ed|ing)?\s+(?:(?:your|the)\s+{_RESULT}\s+|it\s+|off\s+)?"
    rf"to\s+{_COUNT}\s+(?:decimals?|digits?|significant|whole)\b(?:\s+(?:places?|numbers?|digits?|figures?))?\)?",
    rf"\b{_PLEASE}(?:answer|address|approach|respond\s+to|reply\s+to|(?:give|provide)\s+an?\s+{_RESULT}\s+to)\s+"
    r"(?:the\s+|this\s+|my\s+)?(?:following\s+)?question(?:\s+asked)?\b(?:\s+(?:by|as\s+if)\b)?",
    rf"\b{_PLEASE}(?:calculate|compute|determine|extract)(?:\s+or\s+\w+)?\s+"
    rf"(?:what\s+(?:was|is)\s+asked|the\s+{_RESULT})\b(?:\s+by\b)?",
    r"\b(?:here(?:'s|\s+is)|this\s+is)\s+(?:the|my)\s+question\b:?",
    r"\byou\s+are\s+an?\s+\w+(?:\s+\w+){0,3}?(?:\s+(?:and|who)\b|[,:])",
    r"\byour\s+only\s+(?:resource|source)s?(?:\(s\))?\s+to\s+answer\s+(?:the|this)(?:\s+following)?\s+question\s+"
    r"(?:is|are)(?:\s*\(are\))?:?",
    rf"\b(?:by\s+|please\s+)?{_HOW}{_RESTING_ON}\s+{_HOW}(?:the\s+)?{_GIVEN}(?:\s+and\s+{_GIVEN})?\s+"
    rf"(?:(?:that|which)\s+(?:is|are)\s+)?{_HOW}{_SHOWN}\s+{_HOW}(?:in|within|on|by)\b",
    rf"\A(?:are|is|were)\s+there\s+(?:any\s+|some\s+|an?\s+)?{_WORKS}\s+(?:available\s+)?{_ABOUT}\b",
    rf"\Awhat\s+{_WORKS}\s+(?:(?:are|is)\s+)?(?:there|available)\s+(?:are\s+|is\s+)?{_ABOUT}\b",
    rf"\A(?:i\s+am|i'm|we\s+are)\s+(?:looking|interested|searching)\s+(?:for|in)\b(?:\s+{_WORKS}\s+{_ABOUT}\b)?",
    rf"\A{_PLEASE}(?:find|give|show|list|get|retrieve)\s+(?:me\s+)?(?:all\s+|any\s+|some\s+|the\s+)?{_WORKS}\s+{_ABOUT}\b",
    r"\A(?:can|could|would|will)\s+you\s+(?:please\s+)?(?:tell|show|give|find|explain)\b(?:\s+(?:to\s+)?me\b)?",
    r"\A(?:i|we)\s+(?:would\s+like|want|wish|need)\s+to\s+(?:know|learn|understand|find(?:\s+out)?)\b",
    r"\A(?:has|have)\s+(?:any\s?one|any\s?body|some\s?one|researchers)\s+(?:\w+ly\s+)?(?:investigated|studied|examined|"
    r"developed|considered|found|tried|worked\s+on|discovered)\b(?:\s+and\s+\w+ed\b)?",
    r"\A(?:tell|show)\s+me\b(?:\s+about\b)?",
    r"\bplease\b",
)
"""What is left out of a sentence; those with \\A only at its beginning."""


def focused(question: str, language: str) -> str:
    """The question without its stop structures; as it is in other languages, or where nothing would be left."""
    if language != _LANGUAGE:
        return question
    sentences = (_asking(each) for each in _SENTENCES.split(question.strip()))
    left = " ".join(each for each in sentences if each)
    return left if _ANYTHING.search(left) else question


def _asking(sentence: str) -> str:
    if any(each.fullmatch(sentence.rstrip(" .!")) for each in _INSTRUCTIONS):
        return ""
    left = sentence
    for each in _PHRASES:
        left = each.sub(" ", left)
    return sentence if left == sentence else " ".join(left.split()).strip(" ,:;")
