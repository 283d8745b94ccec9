"""How a case is told to one officer: in his language, in the crs of his map, with the buttons he has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cases import callers, cowork, flags, links, photos, promise, reasons, refusals, rulebook, showing, similar, stint
from cases.clock import Unit
from cases.flow import OWED, Move, Purpose, Source, Stage, Verb
from cases.models import Case, CaseEvent, Evidence, Photo
from cases.rulebook import Rulebook
from cases.rules import lineage
from cases.similar import Similar
from grid import privacy
from grid.crs import Crs, from_wgs84
from grid.models import Department, Officer
from grid.moment import now
from grid.roles import CENTRE
from grid.words import named, phrased

from . import foretelling
from .schemas import (
    Branch,
    Button,
    CaseLine,
    CaseOut,
    Coded,
    Deadline,
    Flag,
    Linked,
    LogLine,
    Named,
    PhotoOut,
    Position,
    Raised,
    Reason,
    SimilarOut,
    Where,
    WorkSpan,
)


def coded(choice: Stage | Source | Verb | Purpose) -> Coded:
    return Coded(code=choice.value, label=str(choice.label))


def line(case: Case, crs: Crs, at: datetime) -> CaseLine:
    """A case for a list, numbers of people masked. Needs docket.RELATED loaded; makes no statement."""
    return CaseLine(**_line(case, crs, at))


def _line(case: Case, crs: Crs, at: datetime) -> dict[str, Any]:
    lon, lat = from_wgs84(case.point.x, case.point.y, crs)
    category = case.category
    return {
        "id": case.uuid,
        "number": case.number,
        "stage": coded(Stage(case.stage)),
        "source": coded(Source(case.source)),
        "category": Named(id=category.pk, code=category.code, name=named(category)),
        "point": Position(lon=lon, lat=lat, crs=crs),
        "where": Where(
            cell=case.cell.code,
            off_cell_m=case.off_cell_m,
            areas=[Named(id=area.pk, code=area.code, name=named(area)) for area in lineage(case.cell.area)],
        ),
        "place": privacy.masked(case.place),
        "text": privacy.masked(case.text),
        "department": _department(case.department),
        "holder": Named(id=case.holder.pk, name=str(case.holder)) if case.holder else None,
        "asks": coded(Verb(case.asks)) if case.asks else None,
        "assists": case.parent_id is not None,
        "supervised": case.supervised_at is not None,
        "reply_due_at": case.reply_due_at,
        "reply_late": case.reply_late,
        "reported_at": case.reported_at,
        "due_at": case.due_at,
        "late": bool(case.due_at and case.due_at < at),
        "promise_at": case.promise_at,
        "late_overall": promise.late(case, at),
        "call_by": case.call_by,
        "level": case.level,
    }


def _department(row: Department | None) -> Named | None:
    return Named(id=row.pk, code=row.code, name=named(row)) if row else None


def whole(
    case: Case,
    officer: Officer,
    crs: Crs = Crs.WGS84,
    *,
    foretold: bool = False,
    new: bool = False,
    revealed: bool = False,
) -> CaseOut:
    """A case with its log, its deadline explained, its photos and the moves open to this officer. Numbers of people
    are masked, unless he works on it in the street or has them `revealed`.

    Needs docket.RELATED loaded; makes one statement, one for a log not yet read, two where photos were shown, one
    for a duplicate's master, two for a parent or children, and one for the forecast where it is to be `foretold`. A
    post of the centre also hears of duplicates and similar cases; of the latter also who has just reported a `new`
    one: one statement each, and one more where there are any.
    """
    at, book, log = now(), rulebook.current(), case.log
    centre = officer.holds(*CENTRE)
    near = similar.to(book, case, at, by=officer) if (centre or new) and case.stage in OWED else []
    shown = _photos(case, log)
    condition, asked = case.condition, flags.shown_to(officer, case)
    parent, children = _family(case, officer, log, at)
    is_open = showing.shows(book, case, officer, asked=revealed)
    words = {"place": case.place, "text": case.text} if is_open else {}
    return CaseOut(
        **(_line(case, crs, at) | words),
        masked=not is_open and showing.hides(case),
        condition=phrased(condition, "text") if condition else "",
        closing=phrased(condition, "closing") if condition else "",
        component=case.component.code if case.component else "",
        deadline=_deadline(book, case, log, at),
        contact_due_at=callers.owed(log),
        forecast=foretelling.told(book, case, at) if foretold else None,
        log=_log(log, asked, is_open),
        photos=shown,
        missing=list(dict.fromkeys(photo.sha256 for photo in shown if not photo.arrived)),
        flags=_flags(case, log),
        raised=_raised(case) if asked else [],
        parent=parent,
        children=children,
        same_as=_linked(case.same_as) if case.same_as else None,
        duplicates=[_linked(other) for other in links.waiting(case)] if centre and not new else [],
        similar=[resembling(found) for found in near],
        can=buttons(book, case, officer, log, at),
    )


def _family(case: Case, officer: Officer, log: Sequence[CaseEvent], at: datetime) -> tuple[Branch | None, list[Branch]]:
    """The case that this one helps with, and those that help with it."""
    told = [_branch(other, seen, at) for other, seen in showing.kin(case, officer, log)]
    return (told[0], []) if case.parent_id else (None, told)


def _branch(case: Case, seen: bool, at: datetime) -> Branch:
    return Branch(
        id=case.uuid if seen else None,
        number=case.number,
        department=_department(case.department),
        stage=coded(Stage(case.stage)),
        due_at=case.due_at,
        late=bool(case.due_at and case.due_at < at),
    )


def _linked(case: Case) -> Linked:
    return Linked(id=case.uuid, number=case.number)


def resembling(similar: Similar) -> SimilarOut:
    """Everybody is warned of a similar case; only who may see it is led to it."""
    return SimilarOut(
        number=similar.number,
        stage=coded(Stage(similar.stage)),
        metres=round(similar.metres, 1),
        reported_at=similar.reported_at,
        id=similar.uuid if similar.visible else None,
        photo=similar.photo if similar.visible else "",
    )


def _photos(case: Case, log: Sequence[CaseEvent]) -> list[PhotoOut]:
    """The photos that the log shows, in its order; those still missing too. A child also shows those of the report."""
    if case.parent_id is None and not any("photos" in event.facts for event in log):
        return []
    shown = list(cowork.shown(case))
    arrived = Photo.objects.in_bulk([evidence.photo_id for evidence in shown])
    return [_photo(evidence, arrived.get(evidence.photo_id), flags.seen_at(evidence.event)) for evidence in shown]


def _photo(evidence: Evidence, photo: Photo | None, at: datetime) -> PhotoOut:
    return PhotoOut(
        sha256=evidence.photo_id,
        purpose=coded(Purpose(evidence.purpose)),
        arrived=photo is not None,
        taken_at=photo.taken_at if photo else None,
        flags=[_flag(*flag) for flag in photos.flags(photo, evidence.case.point, at)] if photo else [],
    )


def _flag(code: str, figure: float | None = None) -> Flag:
    return Flag(code=code, says=showing.flag(code, figure), figure=figure)


def _flags(case: Case, log: Sequence[CaseEvent]) -> list[Flag]:
    found = [_flag("off_cell", case.off_cell_m)] if case.off_cell_m else []
    return found + [_flag(*flag) for flag in flags.reported(log[0])] if log else found


def _raised(case: Case) -> list[Raised]:
    asked = case.flags.select_related("answered_by", "other").order_by("id")
    return [
        Raised(
            **_flag(flag.code, flag.figure).model_dump(),
            id=flag.pk,
            photo=flag.photo_id or "",
            other=flag.other.number if flag.other else "",
            raised_at=flag.raised_at,
            answered_by=str(flag.answered_by) if flag.answered_by else "",
            answered_at=flag.answered_at,
            accepted=flag.accepted,
            note=privacy.masked(flag.note),
        )
        for flag in asked
    ]


def buttons(book: Rulebook, case: Case, officer: Officer, log: Sequence[CaseEvent], at: datetime) -> list[Button]:
    """The moves that this officer may make now."""
    acting = refusals.acting(case, officer)
    return [
        Button(
            verb=move.verb,
            label=str(move.verb.label),
            needs=list(move.needs),
            takes=list(move.takes),
            asks=_wishes(move, case, acting),
        )
        for move in showing.moves(book, case, acting, log, at)
    ]


def _wishes(move: Move, case: Case, acting: Officer) -> list[Coded]:
    return [coded(verb) for verb in showing.wishes(case, acting)] if move.verb == Verb.ASK else []


def _deadline(book: Rulebook, case: Case, log: Sequence[CaseEvent], at: datetime) -> Deadline:
    return Deadline(
        since=case.entered_at,
        due_at=case.due_at,
        alarm_at=case.alarm_at,
        late=bool(case.due_at and case.due_at < at),
        level=case.level,
        provisional=case.provisional,
        clock=Coded(code=case.clock, label=str(Unit(case.clock).label)) if case.clock else None,
        allowed_s=case.allowed_s,
        why=_reasons(showing.why_due(log)),
        trace=[
            WorkSpan(
                day=span.day.isoformat(),
                since=span.since,
                until=span.until,
                seconds=span.seconds,
                why=Coded(code=span.why, label=str(span.why.label)),
                name=span.name,
            )
            for span in stint.explain(book, case)
        ],
    )


def _log(log: Sequence[CaseEvent], asked: bool, is_open: bool) -> list[LogLine]:
    return [_log_line(event, waits, is_open) for event, waits in showing.lines(log, flags_too=asked)]


def _log_line(event: CaseEvent, waits: Iterable[reasons.Reason], is_open: bool) -> LogLine:
    note = event.facts.get("note", "")
    facts = {name: said for name, said in event.facts.items() if name not in ("why", "waits", "note")}
    return LogLine(
        at=event.at,
        verb=coded(Verb(event.verb)),
        by=str(event.by) if event.by else "",
        left=coded(Stage(event.left)) if event.left else None,
        entered=coded(Stage(event.entered)),
        department=named(event.department) if event.department else "",
        holder=str(event.holder) if event.holder else "",
        since=event.since if event.left else None,
        due_at=event.due_at,
        late_s=event.late_s,
        level=event.level,
        note=note if is_open else privacy.masked(note),
        facts=facts,
        why=_reasons(event.facts.get("why", ())),
        waits=_reasons(waits),
    )


def _reasons(stored: Iterable[reasons.Reason]) -> list[Reason]:
    return [Reason(code=said["code"], says=privacy.masked(reasons.say(said))) for said in stored]
