"""What a phone says to find cases: which ones in which order, or where."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cases.flow import Source, Stage
from grid.crs import Crs

from .schemas import Said
from .vocabulary import AreaCode, Cursor, Key, KeyOrNone, Latitude, Longitude, Moment


class Spot(Said):
    """What is about to be reported, and where."""

    lon: Longitude
    lat: Latitude
    crs: Crs
    category: Key = Field(description="a sub-class")


class Filters(Said):
    """Which cases, in which order."""

    view: Literal["todo", "reported", "call_back", "all"] = "todo"
    stage: list[Stage] = Field([], max_length=len(Stage), description="any of these")
    source: Source | None = None
    category: Key | None = Field(None, description="a sub-class, or a major or middle class with all its sub-classes")
    department: KeyOrNone | None = Field(None, description="its id; 0: with no department yet")
    area: AreaCode = Field("", description="code of a district, street or community")
    late: bool | None = Field(None, description="past due now")
    late_overall: bool | None = Field(None, description="over later, or still open after, than the whole was promised")
    at_risk: bool | None = Field(None, description="likely to miss its limit, by the forecast, and not late yet")
    asks: bool | None = Field(None, description="with a wish that waits for an answer")
    since: Moment | None = Field(None, description="reported at or after")
    until: Moment | None = Field(None, description="reported before")
    q: str = Field("", max_length=60, description="a case number or its end, or a word of the text or place")
    sort: Literal["due", "new"] = "due"
    cursor: Cursor | None = None
    limit: int = Field(20, ge=1, le=100)

    def terms(self) -> dict[str, Any]:
        """What the cases are to match; what was not said matches all."""
        return {name: said for name in TERMS if (said := getattr(self, name)) not in (None, "", [])}


TERMS = (
    "stage",
    "source",
    "category",
    "department",
    "area",
    "late",
    "late_overall",
    "at_risk",
    "asks",
    "since",
    "until",
    "q",
)
