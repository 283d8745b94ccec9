"""What the phones say and hear. Moments are aware; positions are lon, lat in the crs that is named beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from cases.clock import Limit, Unit
from cases.flow import ASKABLE, Facts, Outcome, Purpose, Rating, Source, Verb, Verdict
from grid.crs import Crs

from .vocabulary import Accuracy, Amount, Key, Latitude, Line, Longitude, Moment, Note, Sha256

Asked = Verb  # one of ASKABLE; the docket says which


class Said(Schema):
    """What a phone says: a word that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Fix(Said):
    """A position as the phone knows it. `crs` is required: a wrong guess is off by 240 m in Yushu."""

    lon: Longitude = Field(examples=[114.0563])
    lat: Latitude = Field(examples=[22.5371])
    crs: Crs = Field(description="wgs84 for raw GNSS fixes; gcj02 for AMap and Tencent; bd09 for Baidu")
    accuracy_m: Accuracy | None = None
    fixed_at: Moment | None = Field(None, description="when the fix was made")
    provider: str = Field("", max_length=20, examples=["gps"])
    mock: bool = Field(False, description="the phone says that the position is simulated")


class Shown(Said):
    """A photo by its hash, and what it is to show. It may be uploaded later."""

    sha256: Sha256
    purpose: Purpose


class ReportIn(Said):
    """上报. The phone chooses the id: the same report again is the same case."""

    id: UUID
    category: Key = Field(description="a sub-class from GET city")
    condition: Key | None = Field(None, description="one of the category's conditions; none leaves it to the clerk")
    component: str = Field("", max_length=20, description="code of the registered component, if it is one")
    point: Fix
    captured_at: Moment | None = Field(None, description="when it was seen, by the phone's clock")
    text: Note = ""
    place: Line = Field("", description="where it is, in words")
    photos: list[Shown] = Field([], max_length=20)
    handled: bool = Field(False, description="自处置: put right on the spot; needs a photo before and one after")
    source: Source = Field(Source.INSPECTOR, description="clerks register hotline, public and directive reports")


class LimitIn(Said):
    """By how much: so many units of a clock."""

    value: Amount
    unit: Unit


class MoveIn(Said):
    """流转. What a verb needs stands in the case's `can`."""

    verb: Verb
    key: UUID | None = Field(None, description="chosen by the phone: the same key again is the same move")
    note: Note = ""
    photos: list[Shown] = Field([], max_length=20, description="uploaded before")
    condition: Key | None = None
    department: Key | None = Field(None, description="with dispatch, assist")
    holder: Key | None = Field(None, description="the inspector who is to verify or check")
    asks: Asked | None = Field(None, description="with ask: " + ", ".join(ASKABLE))
    ground: str = Field("", max_length=20, description="one of the verb's grounds in GET city, where it has any")
    same_as: UUID | None = Field(None, description="with link: the id of the case that stays")
    limit: LimitIn | None = Field(None, description="with extend: by how much; with assist: for its handling")
    until: Moment | None = Field(None, description="with shelve; with supervise: by when the reply is due")
    verdict: Verdict | None = Field(None, description="with verify")
    outcome: Outcome | None = Field(None, description="with call_back")
    rating: Rating | None = Field(None, description="with call_back, of whoever answered: 1 very poor, 5 very good")

    def facts(self) -> Facts:
        return Facts(
            note=self.note,
            photos=tuple((photo.sha256, str(photo.purpose)) for photo in self.photos),
            condition=self.condition,
            department=self.department,
            holder=self.holder,
            asks=str(self.asks or ""),
            ground=self.ground,
            same_as=str(self.same_as or ""),
            limit=Limit(self.limit.value, self.limit.unit) if self.limit else None,
            until=self.until,
            verdict=str(self.verdict or ""),
            outcome=str(self.outcome or ""),
            rating=int(self.rating) if self.rating else None,
        )


class AnswerIn(Said):
    """核验. The answer to a flag: what was found, and whether it satisfies."""

    note: str = Field(min_length=1, max_length=2000)
    accepted: bool
    key: UUID | None = Field(None, description="chosen by the client: the same key again is the same answer")


class Told(BaseModel):
    """What a phone hears. Made here and nowhere else, so that ninja's Schema, which reads whatever a view returns
    through a getter of its own, would only read everything twice.
    """


class Coded(Told):
    """A stable code and its name in the reader's language."""

    code: str
    label: str


class Named(Told):
    """A row of the city, by its id, code and name."""

    id: int
    code: str = ""
    name: str


class Position(Told):
    """A position, lon first."""

    lon: float
    lat: float
    crs: Crs


class Where(Told):
    """The cell, and the areas above it from community to district."""

    cell: str
    off_cell_m: float = Field(description="metres from the cell; 0 inside it")
    areas: list[Named]


class Reason(Told):
    """Why the system decided so: a stable code and a sentence."""

    code: str
    says: str


class WorkSpan(Told):
    """A stretch of time, how many seconds of it counted, and why."""

    day: str
    since: datetime
    until: datetime
    seconds: int
    why: Coded
    name: str = Field("", description="of the holiday")


class Deadline(Told):
    """Until when the present stage is owed, and how that came about."""

    since: datetime
    due_at: datetime | None
    alarm_at: datetime | None
    late: bool
    level: int = Field(description="rungs of the ladder already climbed")
    provisional: bool = Field(description="counted through a year whose holidays are not yet known")
    clock: Coded | None = None
    allowed_s: int | None = Field(None, description="seconds of that clock since then")
    why: list[Reason] = []
    trace: list[WorkSpan] = []


class CaseLine(Told):
    """A case in a list."""

    id: UUID
    number: str
    stage: Coded
    source: Coded
    category: Named
    point: Position
    where: Where
    place: str = Field(description="in lists and where `masked`, numbers of phones and cards as 138****5678")
    text: str = Field(description="so is this")
    department: Named | None
    holder: Named | None
    asks: Coded | None
    assists: bool = Field(description="协办: it helps with another case")
    supervised: bool
    reply_due_at: datetime | None = Field(description="督办: until when a reply is due, if it is supervised")
    reply_late: bool = Field(description="that moment has passed, and the alarm has rung for it")
    reported_at: datetime
    due_at: datetime | None
    late: bool
    promise_at: datetime | None = Field(description="by when the whole case shall be over; none before its dispatch")
    late_overall: bool = Field(description="the whole case is, or was over, later than that")
    call_by: datetime | None = Field(description="回访: until when its caller is to be called back; none once he was")
    level: int


class Page(Told):
    """Some cases, and the way to the next."""

    items: list[CaseLine]
    next: str | None = Field(description="the cursor of the next page; none at the end")


class LogLine(Told):
    """One line of the log: who did what when; who owed the stage it found, since and until when, late by how much."""

    at: datetime
    verb: Coded
    by: str = Field(description="name; empty for the system")
    left: Coded | None
    entered: Coded
    department: str
    holder: str
    since: datetime | None
    due_at: datetime | None
    late_s: int = Field(description="seconds past due when the line was written, in the stage's own clock")
    level: int
    note: str
    facts: dict[str, Any]
    why: list[Reason]
    waits: list[Reason] = Field(description="why the case waits for a person after this")


class Button(Told):
    """A move open to the reader now, and what it needs."""

    verb: str
    label: str
    needs: list[str]
    takes: list[str] = Field(description="what may be said beside these; a note and photos always may")
    asks: list[Coded] = Field([], description="what may be asked for, with ask")


class Flag(Told):
    """Something a person should look at. It accuses nobody."""

    code: str
    says: str
    figure: float | None = None


class Raised(Flag):
    """A flag that a clerk must answer before the case is closed. `figure`: bits, metres or minutes."""

    id: int
    photo: str = Field(description="its hash; empty where it is about none")
    other: str = Field(description="number of the case that showed the picture first")
    raised_at: datetime
    answered_by: str
    answered_at: datetime | None
    accepted: bool | None
    note: str


class PhotoOut(Told):
    """A photo shown by the log: look at it with GET photos/{sha256}."""

    sha256: str
    purpose: Coded
    arrived: bool
    taken_at: datetime | None = None
    flags: list[Flag] = []


class ForecastBasis(Told):
    """The pace that a forecast is told from: whose, of what, begun when, of how many stints."""

    category: Named = Field(description="the sub-class, or its major where that knows too little")
    department: Named | None = Field(description="none: all departments")
    hours: list[int] | None = Field(description="hours of the day between which the stints began; none: any")
    days: int = Field(description="in so many days before today")
    count: int = Field(description="stints")
    missed: int = Field(description="of these, not done by their due moment")


class ForecastOut(Told):
    """预测: the chance that a case misses the limit of its handling."""

    chance: float | None = Field(description="0 to 1; none where the facts are too few")
    at_risk: bool = Field(description="the chance is at least the city's threshold, and the case is not late yet")
    basis: ForecastBasis | None
    says: str = Field(description="the basis in a sentence, or why there is none")


class SimilarOut(Told):
    """An open case of the same class near by. Of one that the reader may not see: no id, no photo."""

    number: str
    stage: Coded
    metres: float
    reported_at: datetime
    id: UUID | None = None
    photo: str = Field("", description="hash of its first photo")


class Linked(Told):
    """Another case of the same thing."""

    id: UUID
    number: str


class Branch(Told):
    """Another department's part of the same matter."""

    id: UUID | None = Field(description="none where the reader may not see that case")
    number: str
    department: Named | None
    stage: Coded
    due_at: datetime | None
    late: bool


class CaseOut(CaseLine):
    """A case as a whole."""

    masked: bool = Field(description="numbers of people are hidden in it: POST cases/{id}/reveal shows them, logged")
    condition: str
    closing: str = Field(description="when it counts as put right")
    component: str
    deadline: Deadline
    contact_due_at: datetime | None = Field(description="联系: until when the department is to contact the caller")
    forecast: ForecastOut | None = Field(None, description="while it is handled; told by GET cases/{id} alone")
    log: list[LogLine]
    photos: list[PhotoOut]
    missing: list[str] = Field(description="hashes of photos that have not arrived")
    flags: list[Flag]
    raised: list[Raised] = Field(description="to be answered before closing; the centre's alone before the end")
    parent: Branch | None = Field(description="主办: the case that it helps with")
    children: list[Branch] = Field(description="协办: what other departments do to help; it is closed after them")
    same_as: Linked | None = Field(description="并案: the case that it waits for, or ended with")
    duplicates: list[Linked] = Field(description="cases that wait for this one, for posts of the centre")
    similar: list[SimilarOut] = Field(
        description="open cases of the same class near by: for who just reported, and for posts of the centre"
    )
    can: list[Button]
