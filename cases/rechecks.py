"""Blind re-checks (抽样复查): a share of the closed cases is looked at again by somebody who had no hand in them.

The lot is drawn by the worker when a case is closed; on whom it fell is a sealed line of the log (`flow.SEALED`), so
that it can be proved afterwards and read by nobody before. When all is over one open line tells what came of it.

answer()  the inspector says whether the closing holds
decide()  the centre answers a doubt: the case is reopened, or the doubt is dismissed
tend()    who has not gone, is away or has left is replaced, by a new lot

Whoever writes holds the case's lock first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from grid import leave, levels
from grid.models import Leave, Officer
from grid.moment import now
from grid.roles import Role

from . import clock, docket, draw, flags, inspectors, outbox, photos, rulebook
from .clock import Limit, Unit
from .facts import meaning
from .flow import Facts, Refused, Stage, Verb
from .models import Case, CaseEvent, Evidence, Flag, Recheck, Sampling
from .rulebook import Rulebook

Verdict = Recheck.Verdict
Photos = tuple[tuple[str, str], ...]

WORKED = (Verb.ACCEPT, Verb.FINISH, Verb.SELF_HANDLE)
CHECKED = (Verb.VERIFY, Verb.PASS, Verb.REWORK)
HANDS = (*WORKED, *CHECKED, Verb.CLOSE)
"""Whose hand had a part in a case: they do not re-check it. Who worked or checked does not answer a doubt either."""

UNSEEN = 2  # where fewer can be drawn, everybody knows on whom the lot falls: then those around are drawn from too


def concerns(event: CaseEvent) -> bool:
    """Whether an event begins or ends a re-check."""
    return (event.verb == Verb.CLOSE and event.left == Stage.CLOSING) or event.verb == Verb.REOPEN


@outbox.consumer("rechecks", concerns)
def pay(events: Sequence[CaseEvent]) -> None:
    """Draw the lot of closed cases, and end the re-checks of reopened ones.

    No case is re-checked twice for one closing. A batch that is paid again after a crash draws anew for those on whom
    no lot fell: that is no harm.
    """
    for event in events:
        _withdraw(event) if event.verb == Verb.REOPEN else _sample(event)


def rule(book: Rulebook, case: Case) -> Sampling | None:
    """The row by which a case is sampled: the most particular by class, then by area, then by source."""
    area = book.areas[case.cell.area_id].code
    for kind in (*book.classes(case.category_id), None):
        for code in (*reversed(levels.lineage(area)), ""):
            for source in (case.source, ""):
                if row := book.samplings.get((kind, code, source)):
                    return row
    return None


@transaction.atomic
def _sample(closing: CaseEvent) -> None:
    book, at = rulebook.current(), now()
    row = rule(book, closing.case)
    if row is None or draw.LOT.random() >= row.share:
        return
    case = docket.locked(Case.objects.filter(pk=closing.case_id)).get()
    gone = case.stage != Stage.CLOSED or case.entered_at != closing.at
    if gone or Recheck.objects.filter(closing=closing).exists():
        return
    until = closing.at + timedelta(days=row.days)
    recheck = Recheck.objects.create(case=case, closing=closing, value=row.value, unit=row.unit, until=until)
    _give(book, case, recheck, at)


def _give(book: Rulebook, case: Case, recheck: Recheck, at: datetime) -> None:
    """Draw who goes; where there is nobody, the next tend() tries again."""
    candidates = among(case, at, recheck.missed)
    recheck.inspector_id = recheck.ordered_at = recheck.due_at = None
    if candidates:
        nth = draw.LOT.randrange(len(candidates))
        limit, calendar = Limit(recheck.value, Unit(recheck.unit)), book.calendar()
        due_at = clock.deadline(at, limit.seconds(calendar), limit.unit, calendar).due_at
        recheck.inspector_id, recheck.ordered_at = candidates[nth], at
        recheck.due_at = min(due_at, recheck.until) if due_at else recheck.until
        why = {"code": "recheck_drawn", "candidates": candidates, "count": len(candidates), "nth": nth + 1}
        event = docket.own(book, case, Verb.DRAW, Facts(holder=candidates[nth], why=(why,)), at)
        event.since, event.due_at, event.clock = at, recheck.due_at, recheck.unit
        docket.write(case, [event])
    recheck.save(update_fields=["inspector", "ordered_at", "due_at"])


def among(case: Case, at: datetime, but: Iterable[int] = ()) -> list[int]:
    """Who may re-check a case, by primary key: not away, no hand in it, not of the department that answers for it.

    Of the beat; where that leaves hardly a choice, of the community, the street, the district, and who has no place.
    """
    worked = CaseEvent.objects.filter(case=case, verb__in=HANDS, by__isnull=False)
    away = Leave.objects.filter(since__lte=at, until__gt=at)
    barred = [*but, *([case.reporter_id] if case.reporter_id else [])]
    people = (
        inspectors.of_district(case)
        .exclude(pk__in=barred)
        .exclude(pk__in=worked.values("by"))
        .exclude(pk__in=away.values("officer"))
    )
    if case.department_id:
        people = people.exclude(department=case.department_id)
    found: list[int] = []
    for ring in _rings(case):
        found = list(people.filter(ring).distinct().order_by("pk").values_list("pk", flat=True))
        if len(found) >= UNSEEN:
            break
    return found


def _rings(case: Case) -> list[Q]:
    holding = reversed(levels.lineage(case.cell.area.code))
    around = [Q(beats__cells__area__code__startswith=code) for code in holding]
    return [Q(beats__cells=case.cell_id), *around, Q()]


def tend() -> int:
    """Replace whoever did not go in time, is away or has left; end what nobody did. Says how many. Idempotent."""
    at = now()
    return len(_renewed(_stale(at), at))


def _stale(at: datetime) -> QuerySet[Recheck]:
    """Those that somebody else has to go for, or that nobody went for."""
    gone = Q(inspector=None) | _left() | Q(due_at__lt=at) | Q(inspector__in=leave.away(at).stand_ins)
    return Recheck.objects.filter(gone, over_at=None, done_at=None).order_by("pk")


def replace_gone() -> list[int]:
    """Replace at once whoever no longer works here, or no longer as an inspector; the keys of these re-checks."""
    at = now()
    return _renewed(_stale(at).filter(_left()), at)


def _renewed(stale: QuerySet[Recheck], at: datetime) -> list[int]:
    """Those of some that were renewed, each as a whole or not at all."""
    return [pk for pk, case in list(stale.values_list("pk", "case")) if _renew(pk, case, at)]


def _left() -> Q:
    works = Officer.objects.filter(is_active=True, roles__contains=[str(Role.INSPECTOR)])
    return Q(inspector__isnull=False) & ~Q(inspector__in=works.values("pk"))


@transaction.atomic
def _renew(pk: int, case_pk: int, at: datetime) -> bool:
    case = docket.locked(Case.objects.filter(pk=case_pk), skip=True).first()
    recheck = _stale(at).filter(pk=pk).first()  # asked again under the lock: another run may have drawn already
    if case is None or recheck is None:
        return False
    book = rulebook.current()
    if recheck.due_at and recheck.due_at < at and recheck.inspector_id:
        recheck.missed = [*recheck.missed, recheck.inspector_id]
        recheck.save(update_fields=["missed"])
    if at < recheck.until:
        _give(book, case, recheck, at)
        return True
    recheck.inspector_id = None
    _end(book, case, recheck, at, {"code": "recheck_lapsed", "count": len(recheck.missed)})
    return True


def errands(officer: Officer) -> QuerySet[Recheck]:
    """What an inspector is to re-check, the most urgent first."""
    return Recheck.objects.filter(inspector=officer, over_at=None, done_at=None).order_by("due_at", "pk")


def told(officer: Officer) -> QuerySet[Recheck]:
    """What the centre may know of: doubts, and what is over, of the cases that the officer sees."""
    known = Recheck.objects.filter(Q(done_at__isnull=False) | Q(over_at__isnull=False))
    return known.filter(case__in=Case.objects.visible_to(officer))


def answer(pk: int, *, by: Officer, verdict: str, shown: Photos, note: str = "", key: UUID | None = None) -> Recheck:
    """Say whether the closing holds. Idempotent by `key`.

    Raises Recheck.DoesNotExist to whom it was never given, Refused, and Conflict for a key used otherwise.
    """
    try:
        with transaction.atomic():
            return _answer(pk, by, Verdict(verdict), shown, note, key)
    except IntegrityError:
        raise _key_used() from None


def _answer(pk: int, by: Officer, verdict: Recheck.Verdict, shown: Photos, note: str, key: UUID | None) -> Recheck:
    case, recheck = _locked(Recheck.objects.filter(Q(inspector=by) | Q(missed__contains=[by.pk]), pk=pk))
    if key and recheck.key == key:
        if (recheck.verdict, recheck.note, meaning(recheck.photos)) == (verdict, note, meaning([*map(list, shown)])):
            return recheck
        raise _key_used()
    if recheck.inspector_id != by.pk or recheck.done_at or recheck.over_at:
        raise Refused("recheck_over", _("这次复查已经完成、已经撤销，或已另派他人。"))
    _fit(verdict, shown, note)
    book, at = rulebook.current(), now()
    recheck.verdict, recheck.photos, recheck.note, recheck.key = verdict, [list(pair) for pair in shown], note, key
    recheck.done_at, recheck.late_s = at, _late_s(book, recheck, at)
    if verdict == Verdict.HOLDS:
        _end(book, case, recheck, at, by=by)
        return recheck
    recheck.save()
    event = docket.own(book, case, Verb.DOUBT, Facts(note=note, verdict=verdict), at, by=by)
    docket.write(case, [event])
    return recheck


def _fit(verdict: Recheck.Verdict, shown: Photos, note: str) -> None:
    if not shown:
        raise Refused("facts_missing", _("复查需要现场照片。"), field="photos")
    if verdict == Verdict.FAILS and not note:
        raise Refused("facts_missing", _("复查不属实时，请说明现场情况。"), field="note")
    if absent := photos.missing([sha for sha, _shows in shown]):
        sentence = _("有 %(count)s 张照片尚未上传，请上传后重试：%(shas)s")
        raise Refused("photos_missing", sentence % {"count": len(absent), "shas": " ".join(absent)}, field="photos")


def _late_s(book: Rulebook, recheck: Recheck, at: datetime) -> int:
    return clock.late(recheck.due_at, at, recheck.unit, book.calendar()) if recheck.due_at else 0


def _key_used() -> docket.Conflict:
    return docket.Conflict(_("这个操作标识（key）已用于另一次操作。新的操作请用新的标识。"))


def decide(pk: int, *, by: Officer, upheld: bool, note: str, key: UUID | None = None) -> Recheck:
    """Answer a doubt: `upheld` reopens the case, otherwise the doubt is dismissed. Idempotent by `key`.

    Raises Recheck.DoesNotExist where the officer does not see it, Refused, also as the reopening is refused, and
    Conflict for a key used otherwise.
    """
    try:
        with transaction.atomic():
            return _decide(pk, by, upheld, note, key)
    except IntegrityError:
        raise _key_used() from None


def _decide(pk: int, by: Officer, upheld: bool, note: str, key: UUID | None) -> Recheck:
    case, recheck = _locked(told(by).filter(pk=pk))
    if key and recheck.decision_key == key:
        if (recheck.upheld, recheck.decision, recheck.decided_by_id) == (upheld, note, by.pk):
            return recheck
        raise _key_used()
    if not recheck.doubted:
        raise Refused("nothing_doubted", _("这次复查没有待答复的疑问。"))
    hands = case.events.filter(by=by, verb__in=(*WORKED, *CHECKED)).exists()
    if hands or recheck.inspector_id == by.pk:
        raise Refused("same_hand", _("您办理或核查过该案卷，须由他人答复。"))
    book, at = rulebook.current(), now()
    recheck.decided_by, recheck.decided_at, recheck.upheld = by, at, upheld
    recheck.decision, recheck.decision_key = note, key
    _end(book, case, recheck, at, by=by)
    if upheld:
        why = ({"code": "recheck_failed", "recheck": recheck.pk, "note": recheck.note},)
        docket.move(case.uuid, Verb.REOPEN, by=by, facts=Facts(note=note, why=why))
    return recheck


def _locked(found: QuerySet[Recheck]) -> tuple[Case, Recheck]:
    """The re-check and its case, locked; the case first, as everywhere."""
    case = docket.locked(Case.objects.filter(pk=found.get().case_id)).get()
    return case, found.get()


@transaction.atomic
def _withdraw(reopening: CaseEvent) -> None:
    """The case was reopened for another reason: what was not done is not needed, what was doubted is upheld."""
    case = docket.locked(Case.objects.filter(pk=reopening.case_id)).get()
    open_ones = Recheck.objects.filter(case=case, closing__lt=reopening.pk, over_at=None)
    for recheck in open_ones:
        if recheck.doubted:
            recheck.decided_by, recheck.decided_at, recheck.upheld = reopening.by, reopening.at, True
            recheck.decision = reopening.facts.get("note", "")
        _end(rulebook.current(), case, recheck, now(), {"code": "recheck_withdrawn"})


def _end(
    book: Rulebook, case: Case, recheck: Recheck, at: datetime, *said: dict[str, object], by: Officer | None = None
) -> None:
    """It is over: now the log tells of it."""
    recheck.over_at = at
    recheck.save()
    why = [*_draws(recheck), *said]
    if recheck.doubted or recheck.upheld is not None:
        why.append({"code": "recheck_failed", "recheck": recheck.pk, "note": recheck.note})
    facts = Facts(
        note=recheck.decision or recheck.note,
        verdict=recheck.verdict,
        accepted=bool(recheck.upheld),
        photos=tuple((sha, purpose) for sha, purpose in recheck.photos),
        origin={"captured_at": recheck.done_at.isoformat()} if recheck.done_at else None,
        why=tuple(why),
    )
    event = docket.own(book, case, Verb.RECHECK, facts, at, by=by)
    event.holder_id, event.since = recheck.inspector_id, recheck.ordered_at
    event.clock, event.allowed_s, event.due_at, event.late_s = "", None, None, recheck.late_s
    docket.write(case, [event])


def _draws(recheck: Recheck) -> list[dict[str, object]]:
    """The lots as their sealed lines have them; then who did not go."""
    sealed = CaseEvent.sealed.filter(case=recheck.case_id, verb=Verb.DRAW, pk__gt=recheck.closing_id).order_by("pk")
    lots = [dict(reason) for event in sealed for reason in event.facts["why"]]
    if recheck.missed:
        lots.append({"code": "recheck_missed", "count": len(recheck.missed), "missed": recheck.missed})
    return lots


def questions(recheck: Recheck) -> list[Flag]:
    """What there is to ask about the photos of a doubt that waits; they become evidence when it is over. Not saved."""
    assert recheck.done_at
    event = CaseEvent(case=recheck.case, at=recheck.done_at, facts={})
    shas = {sha for sha, _purpose in recheck.photos}
    fresh = [Evidence(case=recheck.case, event=event, photo_id=sha, purpose=purpose) for sha, purpose in recheck.photos]
    return [flag for flag in flags.find(recheck.case, fresh) if flag.photo_id in shas]
