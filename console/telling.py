"""A case as its page shows it: each line of the log with what was said, who owed what, and how late it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import cowork, flow, lateness, photos, reasons
from cases.flow import Outcome, Purpose, Rating, Stage, Verb, Verdict
from cases.lateness import Lateness
from cases.models import Case, CaseEvent, Evidence, Photo
from cases.rulebook import Rulebook
from cases.showing import lines
from grid import privacy
from grid.models import Officer
from grid.moment import now
from grid.roles import Role
from grid.words import in_sentence, phrased

DOING = (Verb.FINISH, Verb.SELF_HANDLE)


@dataclass(frozen=True)
class Picture:
    """A photo that the log shows. `arrived`: its bytes are here."""

    sha256: str
    purpose: str
    label: str
    event: int
    at: datetime
    by: str
    arrived: bool
    original: bool


@dataclass(frozen=True)
class Line:
    """A line of the log."""

    event: CaseEvent
    verb: str
    by: str
    left: str
    entered: str
    owed: str
    said: list[tuple[str, str]]
    note: str
    pictures: list[Picture]
    why: list[str]
    waits: list[str]
    late: Lateness | None

    @property
    def moved(self) -> bool:
        return self.event.left != self.event.entered


def pictures(case: Case, log: Sequence[CaseEvent], officer: Officer) -> list[Picture]:
    """The photos that the log shows, in its order, a child's with those of the report. Two statements where there are
    any.
    """
    events = {event.pk: event for event in log}
    if case.parent_id is None and not any("photos" in event.facts for event in log):
        return []
    shown: list[Evidence] = list(cowork.shown(case))
    arrived = Photo.objects.in_bulk([evidence.photo_id for evidence in shown])
    return [_picture(one, events.get(one.event_id, one.event), arrived.get(one.photo_id), officer) for one in shown]


def _picture(shown: Evidence, event: CaseEvent, photo: Photo | None, officer: Officer) -> Picture:
    return Picture(
        sha256=shown.photo_id,
        purpose=shown.purpose,
        label=str(Purpose(shown.purpose).label),
        event=event.pk,
        at=(photo.taken_at if photo else None) or event.at,
        by=str(event.by or ""),
        arrived=photo is not None,
        original=bool(photo and (photo.uploader_id == officer.pk or officer.holds(*photos.ORIGINALS))),
    )


def sides(log: Sequence[CaseEvent], shown: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """As it was, and as it is since somebody said that he put it right."""
    done = min((event.pk for event in log if event.verb in DOING), default=None)
    after = [one for one in shown if one.purpose == Purpose.AFTER or (done is not None and one.event > done)]
    return [one for one in shown if one not in after], after


def told(book: Rulebook, log: Sequence[CaseEvent], shown: Sequence[Picture], *, flags_too: bool) -> list[Line]:
    """The log, the newest line first. One statement for the people that its facts name."""
    at = now()
    people = Officer.objects.in_bulk({pk for event in log for pk in _named_in(event.facts)})
    return [
        Line(
            event=event,
            verb=str(Verb(event.verb).label),
            by=str(event.by or _("系统")),
            left=str(Stage(event.left).label) if event.left else "",
            entered=str(Stage(event.entered).label),
            owed=_owed(event),
            said=list(_said(book, event.facts, people)),
            note=event.facts.get("note", ""),
            pictures=[picture for picture in shown if picture.event == event.pk],
            why=_say(event.facts.get("why", ())),
            waits=_say(waits),
            late=lateness.of_work(book, event, log, at) if event.left != event.entered else None,
        )
        for event, waits in reversed(list(lines(log, flags_too=flags_too)))
    ]


def _say(why: Iterable[reasons.Reason]) -> list[str]:
    return [privacy.masked(reasons.say(reason)) for reason in why]


def _owed(event: CaseEvent) -> str:
    """Who owed the stage that the event found: the department and the person, or at least the posts."""
    names = [in_sentence(event.department) if event.department and event.left == Stage.HANDLING else "", event.holder]
    posts = [Role(role).label for role in flow.OWED_BY.get(Stage(event.left), ())] if event.left else []
    return " ".join(str(name) for name in names if name) or _("、").join(map(str, posts))


def _named_in(facts: Mapping[str, Any]) -> Iterator[int]:
    if "holder" in facts:
        yield facts["holder"]
    yield from facts.get("woken", ())


def _said(book: Rulebook, facts: Mapping[str, Any], people: Mapping[int, Officer]) -> Iterator[tuple[str, str]]:
    """What was said with a move, as term and words."""
    for name, (label, tell) in FACTS.items():
        if name in facts and (words := tell(facts[name], book, people)):
            yield str(label), words
    if "flag" in facts:
        yield _("是否认可"), _("没有问题") if facts.get("accepted") else _("有问题")


def _condition(pk: int, book: Rulebook, people: Mapping[int, Officer]) -> str:
    row = book.conditions.get(pk)
    return f"{row.no}. {phrased(row, 'text')}" if row else ""


def _department(pk: int, book: Rulebook, people: Mapping[int, Officer]) -> str:
    row = book.departments.get(pk)
    return in_sentence(row) if row else ""


def _until(said: str, book: Rulebook, people: Mapping[int, Officer]) -> str:
    until = parse_datetime(said)
    return f"{localtime(until):%Y-%m-%d %H:%M}" if until else ""


def _ground(code: str, book: Rulebook, people: Mapping[int, Officer]) -> str:
    return next((in_sentence(rows[code]) for rows in book.grounds.values() if code in rows), code)


def _woken(pks: Iterable[int], book: Rulebook, people: Mapping[int, Officer]) -> str:
    return _("、").join(str(people[pk]) for pk in pks if pk in people)


Tell = Callable[[Any, Rulebook, Mapping[int, Officer]], str]
FACTS: Mapping[str, tuple[Promise, Tell]] = {
    "condition": (gettext_lazy("立案条件"), _condition),
    "department": (gettext_lazy("责任单位"), _department),
    "holder": (gettext_lazy("承办人"), lambda pk, book, people: str(people.get(pk, ""))),
    "asks": (gettext_lazy("申请"), lambda verb, book, people: str(Verb(verb).label)),
    "refuses": (gettext_lazy("驳回"), lambda verb, book, people: str(Verb(verb).label)),
    "ground": (gettext_lazy("理由"), _ground),
    "limit": (gettext_lazy("延长"), lambda said, book, people: reasons.limit(said["value"], said["unit"])),
    "until": (gettext_lazy("截止时间"), _until),
    "verdict": (gettext_lazy("核实结论"), lambda said, book, people: str(Verdict(said).label)),
    "outcome": (gettext_lazy("回访结果"), lambda said, book, people: str(Outcome(said).label)),
    "rating": (gettext_lazy("满意度"), lambda said, book, people: str(Rating(said).label)),
    "contact_due_at": (gettext_lazy("联系期限"), _until),
    "contact_kept": (gettext_lazy("联系是否按时"), lambda said, book, people: _("按时") if said else _("超时")),
    "woken": (gettext_lazy("知会"), _woken),
}
