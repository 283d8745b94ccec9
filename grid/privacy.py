"""What in a text is a person's own: numbers of telephones and of identity cards.

Telephones are found by Google's own grammar of them (PHONE_REGION says whose), cards by their form: the province, and
a day of birth that there was. A card whose check digit is wrong was mistyped, and still names somebody. Texts are read
as NFKC without what has no width, so full-width digits, circled ones and hidden blanks make no difference; what is
told keeps every other character as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from django.conf import settings
from phonenumbers import (
    Leniency,
    PhoneNumberMatch,
    PhoneNumberMatcher,
    PhoneNumberType,
    length_of_geographical_area_code,
    national_significant_number,
    number_type,
)

from .models import Cell

FEWEST = 7  # digits of a person's number, however they are parted
ENOUGH = re.compile(rf"\d(?:\D{{0,6}}\d){{{FEWEST - 1}}}")
UNSEEN = frozenset({"Cc", "Cf", "Mn", "Me"})  # what has no width, between digits
_PART = r"[ .·_-]{0,3}"  # what people put between the digits of a card
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|[78]1|8[23])"
_DIGITS = rf"(?:{_PART}\d)"
CARD = re.compile(
    rf"(?<!\d){_PROVINCE}{_DIGITS}{{4}}{_PART}"
    rf"(?P<day>(?:19|20){_DIGITS}{{6}}){_DIGITS}{{3}}{_PART}[\dXx](?![\dA-Za-z])"
)
# Cards of 15 digits were given until 1999. Cells have codes of 15 digits too, most of them with 0, 1 or 2 where the
# year stands; the others are asked for.
OLD_CARD = re.compile(rf"(?<!\d){_PROVINCE}\d{{4}}{_PART}(?P<day>[3-9]\d{{5}}){_PART}\d{{3}}(?!\d)")
# A number in one's own place, without the code of the place: only where a word says what it is.
LOCAL = re.compile(r"(?:电话|座机|手机|固话|联系方式|[☎☏📞]|tel|phone)[^\w\n]{0,3}([2-8]\d{2,3}[ -]?\d{4})(?!\d)", re.I)
MOBILE = re.compile(r"(?<!\d)1[3-9]\d(\W{0,2})\d{4}\1\d{4}(?!\d)")
# Digits as words: 一三八…, 幺三八…, 壹叁捌…; only in a row as long as a number, for 一 is also a word by itself.
WORDS = str.maketrans("〇零一壹幺二贰貳两三叁叄四肆五伍六陆陸七柒八捌九玖", "0011122223334455666778899")
_DIGIT = rf"[\d{''.join(map(chr, WORDS))}]"
IN_WORDS = re.compile(rf"{_DIGIT}(?:\W{{0,3}}{_DIGIT}){{{FEWEST - 1},}}")
# Those of firms and of offices are for everybody.
PUBLIC = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.UAN,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PREMIUM_RATE,
    }
)


def masked(text: str) -> str:
    """The text with the middle of such numbers hidden: 138****5678, 0755-****0000, 632701***********X."""
    if not (hidden := _hidden(text)):
        return text
    return "".join("*" if n in hidden else char for n, char in enumerate(text))


def holds_any(text: str) -> bool:
    """Whether there is something to hide."""
    return bool(_hidden(text))


def _hidden(text: str) -> set[int]:
    """Where in the text the characters stand that are not shown to everybody."""
    if sum(char.isdigit() or ord(char) in WORDS for char in text) < FEWEST:
        return set()
    folded, places = _folded(text)
    found = _found(folded)
    told = IN_WORDS.sub(lambda row: row[0].translate(WORDS), folded)
    if told != folded:
        found |= _found(told)
    return {places[n] for n in found}


def _found(folded: str) -> set[int]:
    if not ENOUGH.search(folded):
        return set()
    found = set(_of_cards(folded))
    rest = "".join("。" if n in found else char for n, char in enumerate(folded))
    return found | set(_of_telephones(rest))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in plain digits and signs, and where in the text each of its characters comes from."""
    chars: list[str] = []
    places: list[int] = []
    for n, written in enumerate(text):
        for char in "" if unicodedata.category(written) in UNSEEN else unicodedata.normalize("NFKC", written):
            digit = unicodedata.decimal(char, None) if char.isdecimal() else None
            chars.append(char if digit is None else str(digit))
            places.append(n)
    return "".join(chars), places


def _of_cards(folded: str) -> Iterator[int]:
    """All but the district at the beginning and the last digit."""
    for card in (CARD, OLD_CARD):
        for found in card.finditer(folded):
            if _was_a_day(re.sub(r"\D", "", found["day"])) and not (card is OLD_CARD and _is_cell(found[0])):
                yield from _digits(folded, *found.span())[6:-1]


def _was_a_day(digits: str) -> bool:
    """Whether 19900307, or 900307, is a day of the calendar."""
    written = digits if len(digits) == 8 else f"19{digits}"
    try:
        date(int(written[:4]), int(written[4:6]), int(written[6:]))
    except ValueError:
        return False
    return True


def _is_cell(digits: str) -> bool:
    """One statement, and only for what looks like a card of 15 digits."""
    return Cell.objects.filter(code=digits).exists()


def _of_telephones(folded: str) -> Iterator[int]:
    for found in MOBILE.finditer(folded):  # also inside of a word: wx13812345678
        yield from _digits(folded, *found.span())[3:7]
    for found in LOCAL.finditer(folded):
        yield from _digits(folded, *found.span(1))[:4]
    plain = re.sub(r"[A-Za-z]", "。", folded).replace("·", ".").replace("_", "-")  # a letter beside it hides it else
    for match in PhoneNumberMatcher(plain, settings.PHONE_REGION, leniency=Leniency.VALID):
        if number_type(match.number) not in PUBLIC:
            yield from _middle(plain, match)


def _middle(folded: str, match: PhoneNumberMatch) -> list[int]:
    """Four digits after the code of the country, of the place or of the provider; more where the number is long."""
    national = len(national_significant_number(match.number))
    own = _digits(folded, match.start, match.end)
    own = own[len(own) - national - len(match.number.extension or "") :]
    first = length_of_geographical_area_code(match.number) or min(3, national - 6)
    return own[first : max(national - 4, first + 4)] + own[national:]


def _digits(folded: str, start: int, end: int) -> list[int]:
    return [n for n in range(start, end) if folded[n].isalnum()]
