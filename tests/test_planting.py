"""The demonstration begins with a past, and the past is true: as it would have been lived, counted and told of."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial, reduce
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Q
from django.test import Client, override_settings

from cases import alarm, clock, docket, flags, flow, pairing, photos, planting, reporting, stint, tally
from cases.flow import Source, Verb
from cases.loading import demo
from cases.models import Case, CaseEvent, Evidence, Flag, Issue, Outbox, Photo, Publication, Recheck, Tally
from cases.pairs import Check, Pair, compare
from cases.planting import acts, twins
from cases.planting.hush import hush
from cases.planting.life import Birth, Life, Step, World
from grid.models import Officer
from grid.moment import local_day, now, standing
from mobile_api.models import Message

pytestmark = pytest.mark.django_db  # each test gives back what it adds to the past that all share
UNTIL = date(2026, 10, 14)  # a week after the longest holiday of the year, with a working weekend before it
MORNING = datetime.fromisoformat("2026-10-14T09:00+08:00")
SOME = 300
TWICE = 2  # stories of each kind, and again that many by lot, that are lived twice
ODD = ("handled", "mock", "called", "component")
DRAWN = 50
UNUSED, UNUSED_AIDS = 6600, 900  # photos so much further on are nobody's
RINGING = (Verb.EXPIRE, Verb.ESCALATE, Verb.REMIND, Verb.RESUME)


@pytest.fixture(scope="module")
def past(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """A demonstration with some of its past, once for all tests of this file, on a morning in October."""
    begun = override_settings(DEMO_CASES=SOME)
    with django_db_blocker.unblock(), begun, time_machine.travel(MORNING, tick=False), transaction.atomic():
        call_command("demo", stdout=StringIO(), stderr=StringIO())
        yield planting.prepared(acts.read(planting.ACTS).some(SOME), UNTIL)
        transaction.set_rollback(True)


def sample(count: int) -> list[Case]:
    """Cases drawn by lot, the same ones each time."""
    pks = list(Case.objects.order_by("pk").values_list("pk", flat=True))
    found = Case.objects.filter(pk__in=random.Random("lot").sample(pks, count)).select_related(*docket.RELATED)
    return list(found.order_by("pk"))


# Lived twice


def test_a_life_is_what_the_docket_would_have_made_of_it(past: World, db: None) -> None:
    """Row by row: so the past and the write path can never drift apart."""
    world = planting.prepared(replace(past.acts, stories=chosen()), UNTIL)
    for birth in map(afresh, planting.born(world)):
        with hush(planting.SEED), transaction.atomic():
            lives = twins.live(world, birth)
            through(lives)
            cases = {life.birth.uuid: Case.objects.get(uuid=known(life, lives)) for life in lives}
            names = {case.number: "this" for case in cases.values()} | {life.birth.number: "this" for life in lives}
            for life in lives:
                case = cases[life.birth.uuid]
                assert differing(rows([case], names), rows([life.case], names)) == []
                assert differing(rows(case.events.order_by("id"), names), rows(life.lines, names)) == []
                assert shown(case) == list(life.shown)
                assert doubts(case.flags.order_by("id")) == doubts(life.flags)
            transaction.set_rollback(True)


def chosen() -> list[acts.Story]:
    """Few stories in which each thing that can be done is done, and some by lot: the rarest thing first, by those in
    which most is done that is still lacking."""
    stories = {story.share: story for story in acts.read(planting.ACTS).stories}
    having: dict[str, list[float]] = defaultdict(list)
    for share, story in stories.items():
        for kind in kinds(story):
            having[kind].append(share)
    found = set(random.Random("lives").sample(list(stories), TWICE))
    lacking = Counter(dict.fromkeys(having, TWICE))
    for kind in sorted(having, key=lambda kind: len(having[kind])):
        while lacking[kind] > 0 and (left := [share for share in having[kind] if share not in found]):
            best = max(left, key=lambda share: sum(lacking[kind] > 0 for kind in kinds(stories[share])))
            lacking.subtract(kinds(stories[best]))
            found.add(best)
    return [stories[share] for share in sorted(found)]


def kinds(story: acts.Story) -> set[str]:
    again = ["again"] if any("again" in act.said for act in story.acts) else []
    return {*(act.verb for act in story.acts), *(name for name in ODD if getattr(story, name)), story.source, *again}


def afresh(birth: Birth) -> Birth:
    """The same under another name, and with photos that nobody has shown."""
    twin = afresh(birth.twin) if birth.twin else None
    aid = replace(birth.aid, uuid=uuid4(), n=birth.aid.n + UNUSED_AIDS) if birth.aid else None
    return replace(birth, uuid=uuid4(), n=birth.n + UNUSED, twin=twin, aid=aid)


def through(lives: list[Life]) -> None:
    """Live these lives again, each step at its time, through the doors of the docket and the alarm."""
    Case.objects.update(alarm_at=None)
    Photo.objects.bulk_create([Photo(**photo) for life in lives for photo in life.photos])
    acted = [
        (life.birth.at, partial(docket.report, life.birth.uuid, life.said, by=life.case.reporter))
        for life in lives
        if life.case.parent_id is None
    ]
    acted += [(step.at, partial(move, life, lives, step)) for life in lives for step in life.steps]
    births = [life.birth.uuid for life in lives]
    rung = {line.at for life in lives for line in life.lines if line.by_id is None and line.verb in RINGING}
    acted += [(at, alarm.ring) for at in rung]
    for at, act in sorted(acted, key=lambda each: each[0]):
        with standing(at):
            act()
            for case in Case.objects.filter(Q(uuid__in=births) | Q(parent__uuid__in=births)):
                flags.look(case)


def known(life: Life, lives: list[Life]) -> UUID:
    """What the docket calls a case: that of who assists has a name of its own."""
    own = life.birth.uuid
    return Case.objects.get(parent__uuid=lives[0].birth.uuid).uuid if life.case.parent_id else own


def move(life: Life, lives: list[Life], step: Step) -> None:
    uuid = known(life, lives)
    facts = replace(step.facts, why=())
    if step.verb == Verb.ANSWER:
        code = next(flag.code for flag in life.flags if flag.pk == facts.flag)
        facts = replace(facts, flag=Flag.objects.get(case__uuid=uuid, code=code).pk)
    docket.move(uuid, step.verb, by=step.by, facts=facts)


def rows(found: Iterable[Any], names: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows by their columns, without the keys that the database gives, and whatever a case's number is."""
    return [
        {field.attname: plain(field, vars(row).get(field.attname), names) for field in row._meta.concrete_fields}
        for row in found
    ]


def differing(these: list[dict[str, str]], those: list[dict[str, str]]) -> list[tuple[object, ...]]:
    """Where two lists of rows are not the same."""
    found: list[tuple[object, ...]] = [(len(these), len(those))] if len(these) != len(those) else []
    for n, (one, other) in enumerate(zip(these, those, strict=False)):
        found += [(n, name, one[name], other[name]) for name in one if one[name] != other[name]]
    return found


def plain(field: Any, value: Any, names: Mapping[str, str]) -> str:
    if field.attname in ("id", "uuid", "case_id"):
        return ""
    if field.attname in ("same_as_id", "parent_id"):
        return str(value is None)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        value = json.dumps({name: said for name, said in value.items() if name != "flag"}, sort_keys=True)
    said = bytes(value).hex() if isinstance(value, memoryview | bytes) else str(value)
    return reduce(lambda text, number: text.replace(number, names[number]), names, said)


def shown(case: Case) -> list[tuple[int, str, str]]:
    order = list(case.events.order_by("id").values_list("pk", flat=True))
    evidence = case.evidence.order_by("id").values_list("event", "photo", "purpose")
    return [(order.index(event), sha, purpose) for event, sha, purpose in evidence]


def doubts(found: Iterable[Flag]) -> list[tuple[Any, ...]]:
    return [(flag.code, flag.photo_id, flag.figure, flag.raised_at, flag.answered_at, flag.accepted) for flag in found]


# What was planted


def test_recounted_nothing_changes(past: World, db: None) -> None:
    """Of the busiest days, by the command that an operator has; and of all units that a line is counted in."""
    busy = Tally.objects.values_list("day").annotate(n=Count("day")).order_by("-n").values_list("day", flat=True)[:3]
    said = StringIO()
    for day in busy:
        call_command("recount", str(day), str(day), stdout=said)
    assert said.getvalue().splitlines() == [f"{day}：0 处已更正" for day in busy]
    lines = CaseEvent.sealed.select_related("case")
    assert tally.count(tally.units(list(lines))) == 0
    assert tally.night() == 0


def test_cases_drawn_by_lot_explain_themselves(past: World, db: None) -> None:
    """The present is the fold of the log, each deadline the end of its trace, each lateness what its clock says."""
    for case in sample(DRAWN):
        log = list(CaseEvent.sealed.filter(case=case).order_by("id"))
        assert [line.at for line in log] == sorted(line.at for line in log)
        assert [line.left for line in log] == ["", *(line.entered for line in log[:-1])]
        assert case.stage == log[-1].entered
        assert all((line.left, line.verb) in POSSIBLE for line in log)
        for line in log:
            explained(past, line)
        if case.clock:
            spans = stint.explain(past.book, case)
            assert sum(span.seconds for span in spans) == case.allowed_s
            assert spans[-1].until == case.due_at


POSSIBLE = {("", Verb.REPORT), ("", flow.TASK.verb), *((stage, move.verb) for move in flow.MOVES for stage in move.at)}


def explained(past: World, line: CaseEvent) -> None:
    if line.due_at is None or not line.clock or line.verb in flow.SEALED or line.verb == Verb.RECHECK:
        return
    calendar = stint.calendar(past.book, line)
    spans = clock.explain(line.since, line.allowed_s, line.clock, calendar)
    assert spans[-1].until == line.due_at
    assert line.late == (line.at > line.due_at)
    assert line.late_s == clock.late(line.due_at, line.at, line.clock, calendar)


def test_each_page_of_a_case_says_why(past: World, client: Client) -> None:
    client.force_login(Officer.objects.get(username=demo.WHOLE))
    for case in sample(10):
        page = client.get(f"/case/{case.number}/")
        assert page.status_code == 200, case
        assert case.number in page.content.decode()


def test_photos_are_there_and_each_is_shown_once(past: World, client: Client) -> None:
    client.force_login(Officer.objects.get(username=demo.WHOLE))
    again = set(Flag.objects.filter(code=Flag.Code.PHOTO_SAME).values_list("photo", flat=True))
    shown = Counter(Evidence.objects.values_list("photo", flat=True))
    assert {sha for sha, times in shown.items() if times > 1} == again
    answered = Recheck.objects.values_list("photos", flat=True)
    looks = {sha for pairs in answered for sha, _purpose in pairs or ()}  # evidence only when their doubt is over
    assert set(shown) | looks == set(Photo.objects.values_list("pk", flat=True))
    for sha in list(shown)[::97]:
        with photos.original(sha, to=Officer.objects.get(username=demo.WHOLE))[1] as file:
            assert hashlib.sha256(file.read()).hexdigest() == sha


def test_every_page_has_something_to_show(past: World, db: None) -> None:
    assert Case.objects.count() >= SOME
    done = Counter(CaseEvent.objects.values_list("verb", flat=True))
    assert done.keys() >= {Verb.REWORK, Verb.DECLINE, Verb.EXTEND, Verb.VOID, Verb.ESCALATE, Verb.LINK, Verb.RECHECK}
    assert Case.objects.exclude(parent=None).exists()
    assert CaseEvent.objects.filter(verb=Verb.FINISH, late=True).exists()
    assert Case.objects.open().exists()
    assert Publication.objects.values_list("since", flat=True).distinct().count() == 2
    assert {issue.since for issue in Issue.objects.all()} == {date(2026, 8, 1), date(2026, 9, 1)}
    assert Message.objects.exists()
    assert not Message.objects.filter(event__at__lt=past.until - timedelta(days=2)).exists()
    reported = Case.objects.order_by("reported_at").values_list("reported_at", flat=True)
    assert local_day(reported[0]) >= UNTIL - timedelta(days=planting.SPAN)
    assert not CaseEvent.objects.filter(at__gte=past.until).exists()
    assert not Case.objects.filter(alarm_at__lt=past.until - timedelta(minutes=1)).exists()
    assert not Outbox.objects.exists()


def test_much_of_it_is_of_few_classes_and_places() -> None:
    stories = acts.read(planting.ACTS).stories
    for found in (Counter(story.sort for story in stories), Counter(story.place for story in stories)):
        busiest = sum(times for _what, times in found.most_common(len(found) // 10))
        assert busiest > len(stories) / 4
    cities = Counter(story.place[:6] for story in stories)
    assert cities["440304"] > 3 * cities["632701"] > 2000


def test_a_pair_that_passes_without_going_there_stands_out(past: World, db: None) -> None:
    """Of half of what a department does, compared as the page compares it; and of its other inspectors none."""
    stories = [story for story in acts.read(planting.ACTS).stories if story.sort == ("event", "02", "07")][::2]
    world = planting.prepared(replace(past.acts, stories=stories), UNTIL)
    with hush(planting.SEED):
        lives = [life for birth in map(afresh, planting.born(world)) for life in twins.live(world, birth)]
    found = compare([check for life in lives for check in checks(life)], pairing.bounds())
    judged = [(names(pair, world), pair.stands_out) for pair in found if pair.judged]
    assert [who for who, stands_out in judged if stands_out] == [("ft_inspector15", "440304D06")]
    assert len(judged) > 5


def checks(life: Life) -> Iterator[Check]:
    finished_at = None
    for line in life.lines:
        if line.verb == Verb.FINISH:
            finished_at = line.at
        if line.verb in (Verb.PASS, Verb.REWORK) and line.by_id and line.department_id:
            minutes = (line.at - finished_at).total_seconds() / 60 if finished_at else None
            yield Check(life.birth.pk, line.by_id, line.department_id, line.verb == Verb.PASS, minutes)


def names(pair: Pair, world: World) -> tuple[str, str]:
    return world.cast.officers[pair.inspector].username, world.book.departments[pair.department].code


def test_it_is_planted_once(past: World, db: None) -> None:
    before = Case.objects.count()
    call_command("demo", stdout=StringIO(), stderr=StringIO())
    assert Case.objects.count() == before


def test_what_comes_after_goes_on_from_there(past: World, db: None) -> None:
    """Keys and numbers are nobody's twice, and the log is as closed as ever."""
    old = Case.objects.order_by("-number").first()
    said = reporting.Report(category=old.category_id, lon=old.point.x, lat=old.point.y, source=Source.SENSOR)
    case, _new = docket.report(uuid4(), said, by=None)
    assert case.number[-6:] > old.number[-6:]
    assert case.pk > old.pk
    assert Flag.objects.create(case=case, code=Flag.Code.MOCK, raised_at=now()).pk
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_caseevent SET at = at WHERE case_id = %s", [old.pk])
