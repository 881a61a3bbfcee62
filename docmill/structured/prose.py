"""What running text says: parties, dates of effect, governing law and terms of agreements, by their wording."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from functools import cached_property

from docmill.models import Scalar
from docmill.structured.dates import DATE, dates
from docmill.structured.targets import Target, iso_wanted, words_of
from docmill.structured.values import Style
from docmill.structured.words import Layout, Word

Given = tuple[Scalar, tuple[Word, ...], float, str]

_HEAD = 6000
"""Characters at the beginning in which agreements name their parties and date."""

_STATES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|"
    "Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    "New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|"
    "South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|"
    "England and Wales|England|Scotland|Ireland|Germany|France|Switzerland|Israel|Singapore|Hong Kong|Japan|India|Australia|"
    "the Netherlands|Netherlands|Ontario|British Columbia|Quebec|Alberta|Canada|China|Sweden|Belgium|Luxembourg|Bermuda|Cayman Islands"
)
_LAW = re.compile(
    r"(?:laws?|statutes|jurisdiction)\s+(?:and regulations\s+)?(?:of|in effect in|in)\s+(?:the\s+)?"
    rf"(?P<lead>(?:State|Commonwealth|Province|Republic|Kingdom)\s+of\s+(?:the\s+)?)?(?P<place>{_STATES})\b",
    re.IGNORECASE,
)
_LAW_BEFORE = re.compile(rf"\b(?P<lead>)(?P<place>{_STATES})\s+law\b")
_GOVERNED = re.compile(r"govern|constru|interpret|enforced", re.IGNORECASE)
_EFFECTIVE = re.compile(
    r"(?:dated(?:\s+and\s+effective)?(?:\s+as\s+of)?|(?:made|entered\s+into|effective|executed|dated|signed)[^.;]{0,60}?(?:as\s+of|on|this)|"
    r"effective\s+date|as\s+of|\bthis|effective|date:?)\s*(?:the\s+)?(?:date\s+of\s+)?[\"“(]*\s*$",
    re.IGNORECASE,
)
_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_NUMBERS = {name: number for number, name in enumerate((*_ONES, *_TEENS))}
_NUMBERS |= {"twenty": 20, "twenty-four": 24, "thirty": 30, "thirty-six": 36, "sixty": 60, "ninety": 90}
_WORDS = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_TERM = re.compile(
    rf"\b(?P<word>{_WORDS}|\d{{1,3}}(?![\d%]))(?:\s*[-\s]\s*\(?\s*\(?(?P<digits>\d{{1,3}})\s*\))?[-\s]+(?P<unit>years?|months?|anniversary)\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"\b(?P<word>first|second|third|fourth|fifth|tenth)\s+(?:\(\d+\w*\)\s*)?(?P<unit>anniversary)\b", re.IGNORECASE
)
_OWN_TERM = re.compile(r"(agreement|obligations?)[^.]{0,120}$", re.IGNORECASE)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10}
_SUFFIX = (
    r"(?i:Inc(?:orporated)?|Corp(?:oration)?|L\.?L\.?C|Ltd|Limited|L\.?P|LLP|L\.L\.P|PLC|plc|Co(?:mpany)?|GmbH|AG|N\.?V|B\.?V|S\.?A|"
    r"S\.p\.A|SE|Trust|Bank|Group|Partners|Holdings?|Fund|University|Association|N\.A|Pty|AB|ASA|Oy)"
)
_PARTY = re.compile(
    r"(?P<name>[A-Z0-9][\w&'’.\-/]*(?:\s+(?:[A-Z0-9(][\w&'’.\-/)]*|&|of|and|de|for|the)){0,8}?"
    rf",?\s+{_SUFFIX}\b\.?(?:,?\s+{_SUFFIX}\b\.?)*)"
)
_BETWEEN = re.compile(r"\b(?:by\s+and\s+)?(?:between|among|amongst)\b:?|\bfrom\b(?=.{0,80}\bto\b)", re.IGNORECASE)
_AGREEMENT = re.compile(r"\b(?:agreement|contract|indenture|lease)\b", re.IGNORECASE)
_ROLE_GAP = 60
"""Characters that may stand between a party's name and its role: `, a Delaware corporation`."""
_NO_PARTY = re.compile(
    r"\b(?:Confidential|Information|Evaluation|Material|Agreement|Effective|Date|Part(?:y|ies)|Officer|Release|Whereas|"
    r"Discloser|Recipient|Section|Purpose|Stock|Interim)\b",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"\(\s*(?:(?:the|each|collectively|hereinafter|together)[^()\"“]{0,60})?[\"“'‘][^()\"”]{1,60}[\"”'’][^()]{0,80}\)"
)
_PERSON = re.compile(
    r"(?P<name>(?:(?:Mr|Ms|Mrs|Dr)\.?\s+)?[A-Z][a-z]+(?:\s+[A-Z]\.?)*(?:\s+[A-Z][a-z]+(?:-[A-Z][a-z]+)?){1,2}(?:,?\s+(?:Jr|Sr|II|III)\.?)?)"
)


class Prose:
    """The document's running text, with the way back from characters to words."""

    def __init__(self, layout: Layout) -> None:
        self._words = [word for row in layout.rows for word in row.words]

    @cached_property
    def _starts(self) -> list[int]:
        starts, position = [], 0
        for word in self._words:
            starts.append(position)
            position += len(word.text) + 1
        return starts

    @cached_property
    def text(self) -> str:
        """All words, apart by single spaces."""
        return " ".join(word.text for word in self._words)

    def words(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that hold some characters of the text."""
        first = max(0, bisect.bisect_right(self._starts, start) - 1)
        last = bisect.bisect_left(self._starts, end)
        return tuple(self._words[first:last])

    def candidates(self, target: Target, style: Style) -> Iterator[Given]:
        """What the text says of a target: value, words, trust, and no label."""
        if target.kind == "law":
            yield from self._law(whole="law" in words_of(target.node.name))
        elif target.kind == "effective" or target.concept == "effective_date":
            yield from self._effective(target, style)
        elif target.kind == "term":
            yield from self._term()
        elif target.kind == "party":
            yield from ((*each, "") for each in self.parties()[:1])
        elif target.kind in ("text", "org") and not target.node.enum:
            yield from self._role(target)

    def _role(self, target: Target) -> Iterator[Given]:
        """Who an agreement says acts as what the target is called: `…, as Borrower`, `(the "Borrower")`."""
        role = r"\s+".join(re.escape(word) for word in words_of(target.node.name))
        if not _AGREEMENT.search(self.text[:_HEAD]):
            return
        as_role = re.compile(rf",?\s+(?:individually\s+and\s+)?as\s+(?:the\s+|initial\s+)*{role}\b", re.IGNORECASE)
        defined = re.compile(rf"\(\s*(?:the\s+|such[^()]{{0,60}}the\s+)?[\"“]\s*{role}\s*[\"”]", re.IGNORECASE)
        for pattern, trust in ((as_role, 0.8), (defined, 0.78)):
            for match in pattern.finditer(self.text[: 3 * _HEAD]):
                before = self.text[max(0, match.start() - 160) : match.start()]
                names = [each for each in _PARTY.finditer(before) if not _NO_PARTY.search(each["name"])]
                if names and len(before) - names[-1].end("name") < _ROLE_GAP:
                    first = len(names) - 1
                    while first and before[names[first - 1].end("name") : names[first].start("name")].strip() in (
                        "",
                        ",",
                    ):
                        first -= 1  # `…BANK, NATIONAL ASSOCIATION` is one name
                    name = before[names[first].start("name") : names[-1].end("name")]
                    start = match.start() - len(before) + names[first].start("name")
                    yield _tidy(name), self.words(start, start + len(name)), trust - match.start() / (60 * _HEAD), ""

    def _law(self, *, whole: bool) -> Iterator[Given]:
        for pattern, base in ((_LAW, 0.8), (_LAW_BEFORE, 0.7)):
            for match in pattern.finditer(self.text):
                around = self.text[max(0, match.start() - 160) : match.start()]
                governed = bool(_GOVERNED.search(around))
                start = match.start("lead") if whole and match["lead"] else match.start("place")
                words = self.words(start, match.end("place"))
                yield self.text[start : match.end("place")], words, base + 0.12 if governed else base - 0.3, ""

    def _effective(self, target: Target, style: Style) -> Iterator[Given]:
        for match in DATE.finditer(self.text[: 3 * _HEAD]):
            found = dates(match[0], style)
            if not found:
                continue
            before = self.text[max(0, match.start() - 90) : match.start()]
            after = self.text[match.end() : match.end() + 40]
            score = 0.8 if _EFFECTIVE.search(before) else 0.4
            score += 0.1 if re.search(r"effective date", before + after, re.IGNORECASE) else 0
            score -= match.start() / (30 * _HEAD)
            value = found[0].value if iso_wanted(target.node) else match[0]
            yield value, self.words(match.start(), match.end()), score, ""

    def _term(self) -> Iterator[Given]:
        for match in (*_TERM.finditer(self.text), *_ORDINAL.finditer(self.text)):
            sentence = self.text[max(0, match.start() - 220) : match.end() + 160].casefold()
            unit = match["unit"].casefold().rstrip("s")
            word = match["word"].casefold()
            number = _ORDINALS.get(word) or _NUMBERS.get(word) or int(match["word"]) if word else 0
            near = any(
                each in sentence
                for each in (
                    "term of this",
                    "expire",
                    "terminat",
                    "remain in",
                    "period of",
                    "shall continue",
                    "survive",
                    "in effect",
                    "in full force",
                    "obligations",
                )
            )
            weak = any(
                each in sentence for each in ("solicit", "hire", "employ", "standstill", "acquire", "warranty", "old")
            )
            own = _OWN_TERM.search(self.text[max(0, match.start() - 130) : match.start()])
            score = 0.55 + 0.18 * near - 0.15 * weak + (0.1 if own else 0)
            unit = "year" if unit == "anniversary" else unit
            yield f"{number} {unit}{'s' if number != 1 else ''}", self.words(match.start(), match.end()), score, ""

    def parties(self) -> list[tuple[str, tuple[Word, ...], float]]:
        """The parties that the beginning of an agreement names, in order."""
        head = self.text[:_HEAD]
        begin = next((match for match in _BETWEEN.finditer(head)), None)
        if begin is None:
            return []
        end = re.search(
            r"WHEREAS|RECITALS|W I T N E S S|NOW,? THEREFORE|Background|In consideration", head[begin.end() :]
        )
        stop = begin.end() + min(end.start() if end else 900, 900)
        clause = head[begin.end() : stop]
        found: list[tuple[str, tuple[Word, ...], float]] = []
        for start, text in _named(clause):
            offset = begin.end() + start
            words = self.words(offset, offset + len(text))
            if words and _tidy(text) not in [name for name, _, _ in found]:
                found.append((_tidy(text), words, 0.82))
        return found[:4]


def _named(clause: str) -> Iterator[tuple[int, str]]:
    """Names at the places where a clause of parties has one: at its beginning, after `and`, after a definition."""
    position = 0
    for _ in range(6):
        rest = clause[position:]
        lead = re.match(r"[\s,;:.()ivx\d]*(?:and\s+|or\s+|the\s+undersigned,?\s+)?(?:\(\w{1,3}\)\s*)?", rest)
        at = position + (lead.end() if lead else 0)
        match = _PARTY.match(clause, at) or _PERSON.match(clause, at)
        if match is not None and not _NO_PARTY.search(match["name"]):
            yield match.start("name"), match["name"]
        following = _next_party(clause, match.end() if match else at)
        if following is None:
            return
        position = following


def _next_party(clause: str, position: int) -> int | None:
    """Where the next party's name may begin: after the definition or the address of this one and an `and`."""
    match = re.compile(r"(?:[)\"”,;.]|\w)\s+(?:and|with|AND)\s+(?=(?:\(\w{1,3}\)\s*)?[A-Z0-9])").search(
        clause, position
    )
    return match.end() if match else None


def _tidy(text: str) -> str:
    return text.strip(" ,;:")
