"""The types of all that phones and programs say: each bounded, so that nothing said overflows anything.

Schemas and parameters of the API are made of these; a test holds that each of them has its bounds in the OpenAPI
document. What is meant by them stands in `grid.vocabulary`, for both doors; texts are cleaned before they come here,
by `parsing`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Annotated, LiteralString, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, FiniteFloat, WithJsonSchema
from pydantic_core import PydanticCustomError

from grid import vocabulary
from grid.moment import reckonable
from grid.vocabulary import COUNT_MOST, KEY_MOST

T = TypeVar("T")


def _fitting(read: Callable[[T], T | None], code: LiteralString, says: LiteralString) -> AfterValidator:
    """What a reader makes of a value; None is refused with a code."""

    def judge(said: T) -> T:
        if (found := read(said)) is None:
            raise PydanticCustomError(code, says)
        return found

    return AfterValidator(judge)


Key = Annotated[int, Field(ge=0, le=KEY_MOST)]
"""Of a row. That there is none with the key, 0 or another, the operation says."""
KeyOrNone = Annotated[int, Field(ge=0, le=KEY_MOST)]
"""Of a row; 0 is a word of its own: the city, nobody yet."""
Count = Annotated[int, Field(ge=0, le=COUNT_MOST)]
Longitude = Annotated[FiniteFloat, Field(ge=-180, le=180)]
Latitude = Annotated[FiniteFloat, Field(ge=-90, le=90)]
Accuracy = Annotated[FiniteFloat, Field(ge=0, le=100_000)]
"""Metres."""

END: LiteralString = "lies at an end of the calendar"
Day = Annotated[date, _fitting(lambda on: on if reckonable(on) else None, "day_unreckonable", END)]
Moment = Annotated[AwareDatetime, _fitting(vocabulary.moment, "day_unreckonable", END)]

Figure = (
    Annotated[int, Field(ge=-COUNT_MOST, le=COUNT_MOST)] | Annotated[FiniteFloat, Field(ge=-COUNT_MOST, le=COUNT_MOST)]
)
Amount = Annotated[
    Decimal,
    Field(gt=0, le=9999, max_digits=8, decimal_places=4),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 9999, "multipleOf": 0.0001},
                {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4})?$", "maxLength": 9},
            ],
            "examples": [2],
        }
    ),
]
"""Of a unit, with up to four digits after the point; as a text it keeps them all."""


def _of_the_clock(at: time) -> time | None:
    return at if at.tzinfo is None and at.microsecond == 0 else None


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
ClockTime = Annotated[
    time,
    _fitting(_of_the_clock, "clock_time", "is a time of the city's clock, without an offset"),
    WithJsonSchema({"type": "string", "pattern": CLOCK, "maxLength": 8, "examples": ["22:00"]}),
]
"""By the city's own clock."""

WebAddress = Annotated[str, Field(max_length=vocabulary.ADDRESS_LONGEST)]
"""Where a program is to be called: `outside.judge` says whether it can and may be."""

Sha256 = Annotated[
    str, Field(max_length=64, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the photo's bytes, lower-case hex")
]
AreaCode = Annotated[str, Field(max_length=12, pattern=r"^[0-9]{0,12}$")]
Code = Annotated[str, Field(max_length=40)]
Cursor = Annotated[str, Field(max_length=200)]
Note = Annotated[str, Field(max_length=2000)]
Line = Annotated[str, Field(max_length=200)]
