"""Writes Word's formulas (Office Math) as LaTeX-like text, so that they can be read, searched and embedded."""

from __future__ import annotations

from docmill.extract.ooxml import M, W
from docmill.extract.untyped import XmlNode


def latex(element: XmlNode) -> str:
    """A formula's text; elements without a rule give the text of what they hold."""
    name = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
    if name == "t":
        return element.text or ""
    rule = _RULES.get(name)
    return rule(element) if rule else _all(element)


def _all(element: XmlNode) -> str:
    return "".join(latex(child) for child in element if child.tag not in (W + "rPr", M + "rPr", M + "ctrlPr"))


def _part(element: XmlNode, name: str) -> str:
    child = element.find(M + name)
    return _all(child) if child is not None else ""


def _property(element: XmlNode, path: str, default: str) -> str:
    child = element.find("/".join(M + step for step in path.split("/")))
    return (child.get(M + "val") or "") if child is not None else default


def _braced(text: str) -> str:
    return text if len(text) == 1 else "{" + text + "}"


def _fraction(element: XmlNode) -> str:
    name = "binom" if _property(element, "fPr/type", "bar") == "noBar" else "frac"
    return f"\\{name}{{{_part(element, 'num')}}}{{{_part(element, 'den')}}}"


def _script(element: XmlNode) -> str:
    low, high = _part(element, "sub"), _part(element, "sup")
    return _part(element, "e") + (f"_{_braced(low)}" if low else "") + (f"^{_braced(high)}" if high else "")


def _root(element: XmlNode) -> str:
    degree = _part(element, "deg")
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{_part(element, 'e')}}}"


def _large(element: XmlNode) -> str:
    sign = _property(element, "naryPr/chr", "∫")
    low, high = _part(element, "sub"), _part(element, "sup")
    return f"{sign}{f'_{_braced(low)}' if low else ''}{f'^{_braced(high)}' if high else ''} {_part(element, 'e')}"


def _brackets(element: XmlNode) -> str:
    inner = ",".join(_all(child) for child in element.findall(M + "e"))
    return _property(element, "dPr/begChr", "(") + inner + _property(element, "dPr/endChr", ")")


def _matrix(element: XmlNode) -> str:
    rows = [" & ".join(_all(cell) for cell in row.findall(M + "e")) for row in element.findall(M + "mr")]
    return "\\begin{matrix}" + " \\\\ ".join(rows) + "\\end{matrix}"


def _lines(element: XmlNode) -> str:
    return " \\\\ ".join(_all(child) for child in element.findall(M + "e"))


def _under(element: XmlNode) -> str:
    low = _part(element, "lim")
    return _part(element, "e") + (f"_{_braced(low)}" if low else "")


def _over(element: XmlNode) -> str:
    high = _part(element, "lim")
    return _part(element, "e") + (f"^{_braced(high)}" if high else "")


def _function(element: XmlNode) -> str:
    return f"{_part(element, 'fName')} {_part(element, 'e')}"


def _accent(element: XmlNode) -> str:
    return _part(element, "e") + _property(element, "accPr/chr", "\u0302")


def _nothing(element: XmlNode) -> str:
    return ""


_RULES = {
    "f": _fraction, "sSub": _script, "sSup": _script, "sSubSup": _script, "rad": _root, "nary": _large, "d": _brackets,
    "m": _matrix, "eqArr": _lines, "limLow": _under, "limUpp": _over, "func": _function, "acc": _accent,
    "naryPr": _nothing, "dPr": _nothing, "fPr": _nothing, "rPr": _nothing, "ctrlPr": _nothing,
}  # fmt: skip


def mathml_text(root: XmlNode) -> str:
    """MathML as text: its annotation (TeX or StarMath) where there is one, else its symbols."""
    for each in root.iter():
        if str(each.tag).endswith("}annotation") and (each.text or "").strip():
            return str(each.text).strip()
    return " ".join("".join(root.itertext()).split())
