"""The past of the demonstration: three months of cases that end yesterday, planted in seconds.

What people saw and did is kept without a date (`acts`). On the day of the start each case is lived in memory by the
write path's own steps (`life`), so that every limit is reckoned by the calendar of those very days; then all rows are
written at once (`rows`), and counted, published and told by the functions that count, publish and tell any case
(`after`). All of it in one transaction, and never where there is a case already.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from grid.models import Cell, Component
from grid.moment import today

from .. import reporting, rulebook, tally
from ..flow import Stage, Verb
from ..line import Line
from ..models import Case, CaseEvent, Evidence, Flag, Photo
from . import after, rows, twins
from .acts import Acts, Days, Story, read, soon
from .cast import Cast
from .film import Film
from .hush import hush
from .life import LIKE, Birth, Life, World

ACTS = settings.BASE_DIR / "fixtures" / "past" / "acts.jsonl.gz"
SPAN = 92  # days: so there are always two whole months, whose figures are published
SEED = "demo"
HANDS = 4  # processes at most
FEW = 500  # cases that one process lives as soon as several would

AIDS = 6100  # from here on the photos of those who assist are counted, behind those of the lives and of the re-checks


class Part(IntEnum):
    """What a case is in a story."""

    LEAD = 0
    TWIN = 1
    AID = 2


Tell = Callable[[str], object]


@dataclass
class Share:
    """The rows of some lives. Lines and what was shown know their case and their place in it, but not yet their
    primary key: lines are numbered in the order of time, whoever lived them."""

    cases: list[str] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    lines: list[tuple[datetime, int, int, str]] = field(default_factory=list)
    shown: list[tuple[int, int, str, str]] = field(default_factory=list)
    units: set[tally.Unit] = field(default_factory=set)


def plant(count: int, tell: Tell = lambda step: None) -> int:
    """Plant so many cases of a past that ends yesterday, and say how many there are, with those that citizens reported
    again. Nothing where there is a case. `tell` hears that it begins."""
    if not count or Case.objects.exists():
        return 0
    tell(_("最近三个月的案卷：%(count)s 件") % {"count": count})
    with transaction.atomic():
        world = prepared(read(ACTS).some(count), today())
        planted = _plant(world, min(os.cpu_count() or 1, HANDS) if count >= FEW else 1)
        after.tell(world)
    return planted


def _plant(world: World, hands: int) -> int:
    with hush(SEED):
        births = born(world)
        shares = _lived(world, births, hands)
        planted = _write(shares)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # what was loaded just now may count as empty tables, whose joins then cross
        later = after.look_again(world)
        after.count({unit for share in shares for unit in share.units} | tally.units(later))
        after.publish(world)
    return planted


def prepared(acts: Acts, until: date) -> World:
    """All that is read before."""
    book = rulebook.current()
    cells = {cell.code: cell for cell in Cell.objects.current().defer("shape")}
    codes = {story.component for story in acts.stories if story.component}
    components = Component.objects.filter(code__in=codes, closed_on=None).defer("shape")
    days = Days(until - timedelta(days=SPAN), until, book.calendar())
    ends = tally.midnight(until)
    return World(
        book=book,
        cast=Cast(book),
        line=Line(book, [Case(cell_id=cell.pk, stage=Stage.CHECK) for cell in cells.values()], ends),
        film=Film(SEED),
        acts=acts,
        days=days,
        until=ends,
        cells=cells,
        components={row.code: row for row in components},
        sorts={
            (row.kind, row.major, row.sub): row
            for row in book.categories.values()
            if row.scheme == settings.CATEGORY_SCHEME and not row.closed_on
        },
    )


def born(world: World) -> list[Birth]:
    """The cases that the stories become, in the order in which they are reported: each has its keys from here on."""
    stories = [(world.days.moment(story), story) for story in world.acts.stories]
    stories = [(at, story) for at, story in stories if story.sort in world.sorts and story.place in world.cells]
    reports = sorted([(at, n, Part.LEAD) for n, (at, _story) in enumerate(stories)] + list(_others(world, stories)))
    first, number = rows.reserve(Case, len(reports)), rows.reserve_of("'case_number'", len(reports))
    found: dict[tuple[int, Part], Birth] = {}
    aids = 0
    for nth, (at, n, part) in enumerate(reports):
        said = reporting.numbered(at, number + nth)
        uuid = uuid5(NAMESPACE_URL, f"{SEED}:{world.until.date()}:{n}:{part}")
        aids += part == Part.AID
        photos = AIDS + aids if part == Part.AID else n
        found[n, part] = Birth(stories[n][1], at, uuid, first + nth, said, photos, number + nth)
    return [
        replace(found[n, Part.LEAD], twin=found.get((n, Part.TWIN)), aid=found.get((n, Part.AID)))
        for n in range(len(stories))
    ]


def _others(world: World, stories: Sequence[tuple[datetime, Story]]) -> Iterable[tuple[datetime, int, Part]]:
    for n, (at, story) in enumerate(stories):
        if story.called:
            yield soon(at, int(story.called.rstrip("m")), world.days.zone), n, Part.TWIN
        if any(act.verb == Verb.ASSIST for act in story.acts):
            yield at, n, Part.AID


_WORLD: list[World] = []


def _lived(world: World, births: Sequence[Birth], hands: int) -> list[Share]:
    if hands == 1:
        return [_live(world, births)]
    here = multiprocessing.get_context("fork")
    with here.Pool(hands, _WORLD.append, (world,)) as pool:
        return pool.map(_live_here, [births[n::hands] for n in range(hands)])


def _live_here(births: Sequence[Birth]) -> Share:
    """In a process of its own, which has the world from its parent, and touches no database."""
    return _live(_WORLD[0], births)


def _live(world: World, births: Iterable[Birth]) -> Share:
    share = Share()
    for birth in births:
        for life in twins.live(world, birth):
            _add(share, life)
    return share


def _add(share: Share, life: Life) -> None:
    pk, case = life.birth.pk, life.case
    share.cases.append(rows.row(case, id=pk))
    share.photos += [rows.row_of(Photo, photo) for photo in life.photos]
    share.flags += map(rows.row, life.flags)
    for n, event in enumerate(life.lines):
        share.lines.append((event.at, pk, n, rows.row(event, id=0, case_id=pk)))
        share.units.update(tally.units_of(event, case.reported_at))
    share.shown += [(pk, *shown) for shown in life.shown]


def _write(shares: Sequence[Share]) -> int:
    lines = sorted(line for share in shares for line in share.lines)
    shown = sorted(each for share in shares for each in share.shown)
    first, evidence = rows.reserve(CaseEvent, len(lines)), rows.reserve(Evidence, len(shown))
    number = {(pk, n): first + nth for nth, (_at, pk, n, _row) in enumerate(lines)}
    rows.copy(Photo, [row for share in shares for row in share.photos])
    rows.copy(Case, [row for share in shares for row in share.cases])
    # Each row begins with the primary key, which was not known until now.
    rows.copy(CaseEvent, [f"{first + nth}{row[1:]}" for nth, (_at, _pk, _n, row) in enumerate(lines)])
    rows.copy(
        Evidence,
        [
            rows.row_of(
                Evidence,
                {
                    "id": evidence + nth,
                    "case_id": pk,
                    "event_id": number[pk, n],
                    "photo_id": sha,
                    "purpose": purpose,
                },
            )
            for nth, (pk, n, sha, purpose) in enumerate(shown)
        ],
    )
    flags = [row for share in shares for row in share.flags]
    rows.copy(Flag, flags)
    rows.move_on(Flag, LIKE * (max(pk for _at, pk, _n, _row in lines) + 1))
    return sum(len(share.cases) for share in shares)
