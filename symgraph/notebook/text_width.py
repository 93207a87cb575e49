"""How wide a text is, without a font at hand."""

from __future__ import annotations

import unicodedata

# Advance widths in thousandths of the font size, from the metrics of Helvetica, which Arial and
# Liberation Sans share.
_GROUPS = {
    222: "ijl'|",
    278: " !,./:;[]\\ftI",
    333: "()-`r",
    334: "{}",
    389: '*"',
    500: "cksvxyzJ^",
    556: "abdeghnopqu0123456789?_L#$",
    584: "+<=>~",
    611: "FTZ",
    667: "ABEKPSVXY&",
    722: "CDHNRUw",
    778: "GOQ",
    833: "mM",
    889: "%",
    944: "W",
    1015: "@",
}
_WIDTHS = {character: width for width, group in _GROUPS.items() for character in group}
_OTHER = 640
# Common substitutes (DejaVu Sans, Verdana) are wider; a box's margin takes up the rest.
_RESERVE = 1.06

ELLIPSIS = "…"


def text_width(text: str, size: float) -> float:
    """Estimate the width of a line in a sans-serif font of a size.

    Examples
    --------
    >>> text_width("matmul", 10) > text_width("lil", 10) > 0
    True
    """
    return sum(_character_width(c) for c in text) * size * _RESERVE / 1000


def shortened(text: str, size: float, room: float) -> str:
    """Cut a line that is too wide and end it with an ellipsis.

    Examples
    --------
    >>> shortened("short", 10, 100)
    'short'
    >>> shortened("a line that is too long", 10, 60)
    'a line that…'
    """
    if text_width(text, size) <= room:
        return text
    left = room - text_width(ELLIPSIS, size)
    for end, character in enumerate(text):
        left -= _character_width(character) * size * _RESERVE / 1000
        if left < 0:
            return text[:end].rstrip() + ELLIPSIS
    return text


def _character_width(character: str) -> int:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.combining(character):
        return 0
    return (
        1000 if unicodedata.east_asian_width(character) in "WF" or character == ELLIPSIS else _OTHER
    )
