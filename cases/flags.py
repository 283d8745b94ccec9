"""Facts about a case's evidence that a clerk must answer before it is closed (疑点). Nobody is accused by them.

look() raises what is found, once each, however often it looks: for each event that showed photos, for a photo that
came late, and when a case comes to its closing. An answer is a move, and a line in the log. Nothing else follows
from a flag but that the case is not closed while it is unanswered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from grid.models import Officer
from grid.moment import now
from grid.roles import CENTRE

from . import outbox, photos
from .flow import DONE, Purpose, Stage, Verb
from .models import Case, CaseEvent, Evidence, Flag, Photo
from .photos import alike

if TYPE_CHECKING:
    from .reasons import Reason

Code = Flag.Code
RAISED = {Code.PHOTO_FAR.value, Code.PHOTO_OLD.value}  # of what the EXIF shows; a clock that is ahead is but shown
Arrived = Mapping[str, Photo]


def reported(event: CaseEvent) -> Iterator[tuple[str, float | None]]:
    """What is odd about how a report came: a simulated position, a moment that does not go with when it arrived.

    A phone may wait a day for its network, and its clock may be wrong: then somebody asks, and nothing is lost.
    """
    if origin(event).get("mock"):
        yield Code.MOCK, None
    waited = event.at - seen_at(event)
    if waited < -timedelta(minutes=settings.SEEN_AHEAD_MINUTES):
        yield Code.SEEN_AHEAD, _minutes(-waited)
    if waited > timedelta(hours=settings.SEEN_OLD_HOURS):
        yield Code.SEEN_OLD, _minutes(waited)


def _minutes(span: timedelta) -> int:
    return round(span / timedelta(minutes=1))


@outbox.consumer("flags", lambda event: bool(event.facts.get("photos") or any(reported(event))))
def pay(events: Sequence[CaseEvent]) -> None:
    """Look at the cases of these events. Idempotent."""
    for case in {event.case_id: event.case for event in events}.values():
        look(case)


def arrived(sha256: str) -> None:
    """Look at the cases that showed a photo before it came, and at those that showed the same picture. Idempotent."""
    photo = Photo.objects.get(pk=sha256)
    pictures = [sha256, *alike.like(photo).values_list("pk", flat=True)]
    for case in Case.objects.filter(pk__in=Evidence.objects.filter(photo__in=pictures).values("case")):
        look(case)
        if not photos.missing(case.evidence.values_list("photo", flat=True)):
            Flag.objects.filter(
                case=case, code=Code.PHOTO_ABSENT, answered_at=None
            ).delete()  # it is there: nothing is left to ask


def look(case: Case) -> None:
    """Raise what can be found now and has not been raised. Idempotent."""
    Flag.objects.bulk_create(find(case), ignore_conflicts=True)


def find(case: Case, fresh: Collection[Evidence] = ()) -> list[Flag]:
    """All that there is to ask about the evidence of a case, not saved. `fresh`: evidence that is still to be written.

    Makes three statements, and two for each photo that has arrived.
    """
    at, first = now(), case.events.order_by("id").first()
    found = (
        [Flag(case=case, code=code, figure=figure, raised_at=at) for code, figure in reported(first)] if first else []
    )
    shown = [*case.evidence.select_related("event").order_by("id"), *fresh]
    arrived = Photo.objects.in_bulk({evidence.photo_id for evidence in shown})
    if absent := _absent(case, shown, arrived):
        found.append(Flag(case=case, code=Code.PHOTO_ABSENT, raised_at=at, figure=absent))
    for evidence in shown:
        if photo := arrived.get(evidence.photo_id):
            asked = (*_exif(case, evidence, photo), *_same(evidence, photo, shown, arrived), *_again(evidence, photo))
            found += [Flag(case=case, photo=photo, raised_at=at, **said) for said in asked]
    return found


def _absent(case: Case, shown: Sequence[Evidence], arrived: Arrived) -> int:
    """How many photos are missing of a case that comes to its closing without a department's work and a check.

    What was handled on the spot has no other proof, and its photos may come after the report, or never.
    """
    if case.stage != Stage.CLOSING or case.department_id:
        return 0
    return len({evidence.photo_id for evidence in shown} - arrived.keys())


def _exif(case: Case, evidence: Evidence, photo: Photo) -> Iterator[dict[str, object]]:
    for code, figure in photos.flags(photo, case.point, seen_at(evidence.event)):
        if code in RAISED:
            yield {"code": code, "figure": figure}


def _same(evidence: Evidence, photo: Photo, shown: Sequence[Evidence], arrived: Arrived) -> Iterator[dict[str, object]]:
    """The picture of an earlier line again, or one "after" that is like one of the same line that is not."""
    for other in shown:
        if other is evidence or other.photo_id not in arrived or not _before(other, evidence):
            continue
        if (bits := alike.distance(photo, arrived[other.photo_id])) is not None:
            yield {"code": Code.PHOTO_SAME, "figure": bits}
            return


def _before(other: Evidence, evidence: Evidence) -> bool:
    if other.event is evidence.event or other.event_id == evidence.event_id:
        return evidence.purpose == Purpose.AFTER != other.purpose
    return evidence.event_id is None or (other.event_id is not None and other.event_id < evidence.event_id)


def _again(evidence: Evidence, photo: Photo) -> Iterator[dict[str, object]]:
    """The picture in another case, shown there first: who shows it first is not asked."""
    pictures = {photo.pk: photo, **{other.pk: other for other in alike.like(photo)}}
    elsewhere = Evidence.objects.filter(photo__in=pictures).exclude(case=evidence.case_id).order_by("id")
    if evidence.pk:
        elsewhere = elsewhere.filter(pk__lt=evidence.pk)
    if first := elsewhere.first():
        bits = alike.distance(photo, pictures[first.photo_id])
        yield {"code": Code.PHOTO_AGAIN, "figure": bits, "other_id": first.case_id}


def origin(event: CaseEvent) -> Mapping[str, str]:
    """How a report was made, as it came; empty for other moves."""
    said: Mapping[str, str] = event.facts.get("origin", {})
    return said


def seen_at(event: CaseEvent) -> datetime:
    """When the officer says he was there: a report may have waited for a network."""
    said = origin(event).get("captured_at")
    return datetime.fromisoformat(said) if said else event.at


def unanswered(case: Case) -> list[Flag]:
    """What a clerk must answer before the case is closed."""
    return list(case.flags.filter(answered_at=None).order_by("id"))


def hold(case: Case, verb: Verb, last: CaseEvent) -> tuple[Reason, ...]:
    """Why the system does not make a move by itself after the last line, which is not yet written; empty if it may."""
    if verb != Verb.CLOSE:
        return ()
    fresh = [
        Evidence(case=case, event=last, photo_id=sha, purpose=purpose) for sha, purpose in last.facts.get("photos", ())
    ]
    raised = {(flag.code, flag.photo_id): flag.answered_at for flag in case.flags.all()}
    found = dict.fromkeys(((flag.code, flag.photo_id) for flag in find(case, fresh)), None)
    count = sum(answered_at is None for answered_at in (found | raised).values())
    return ({"code": "flags_open", "count": count},) if count else ()


def settle(events: Sequence[CaseEvent]) -> None:
    """What follows from events just written: a flag is answered, a case that comes to its closing is looked at."""
    for event in events:
        if event.verb == Verb.ANSWER:
            _answer(event)
        if event.left != event.entered == Stage.CLOSING == event.case.stage:
            look(event.case)


def _answer(event: CaseEvent) -> None:
    Flag.objects.filter(pk=event.facts["flag"]).update(
        answered_by=event.by,
        answered_at=event.at,
        note=event.facts["note"],
        accepted=event.facts.get("accepted", False),
    )


def shown_to(officer: Officer, case: Case) -> bool:
    """The centre sees the flags of a case; whom they may concern, not before its end."""
    return officer.holds(*CENTRE) or case.stage in DONE
