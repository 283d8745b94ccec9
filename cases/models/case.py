"""The case, its log, and what is owed and counted because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, GistIndex, OpClass
from django.contrib.postgres.lookups import DataContains
from django.db.models import F, Func, Q
from django.db.models.functions import Reverse
from django.db.models.lookups import StartsWith
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from grid.models import SRID, Cell, Component, Department, Officer
from grid.moment import now
from grid.roles import CENTRE, DEPARTMENT, Role
from grid.search_text import case_number, sought, spellings

from .. import flow
from ..clock import Unit
from ..flow import ASKABLE, OPEN, OWED, SEALED, Source, Stage, Verb
from .taxonomy import Category, Condition, in_class

WORD_PAIRS = Func("text", "place", function="word_pairs", output_field=ArrayField(models.TextField()))
"""All pairs of neighbouring characters of the text and of the place, in lower case. A migration makes the function.

Trigrams would not do: most Chinese words have two characters.
"""


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> CaseQuerySet:
        return self.filter(stage__in=OPEN)

    def visible_to(self, officer: Officer) -> CaseQuerySet:
        """The only way a door gets at cases: unseen and non-existent look alike.

        An inspector sees what he reported, what was given to him and what lies in his beats; a department
        what it answers for, and what others do to help with that; a post of the centre its territory, or the
        whole city. What somebody has none of these posts for, he does not see: an administrator keeps the
        system, not the cases.
        """
        if officer.holds(*CENTRE) and officer.area is None:
            return self
        seen = Q(pk__in=[])
        for role in officer.roles:
            seen |= _seen_as(role, officer)
        return self.filter(seen)

    def posts_of(self, officer: Officer) -> list[str]:
        """From which of his posts the officer works on any of these cases."""
        return [role for role in officer.roles if self.filter(_seen_as(role, officer, led=False)).exists()]

    def owed_by(self, officer: Officer) -> CaseQuerySet:
        """What waits for this officer's hand now."""
        owed = Q(pk__in=[])
        if officer.holds(Role.INSPECTOR):
            free = Q(holder=None) | Q(due_at__lt=now())  # who was to come has not: now it is open to his beat
            mine = Q(holder=officer) | free & Q(cell__in=_patrolled(officer))
            owed |= Q(stage__in=(Stage.VERIFY, Stage.CHECK)) & mine
        if officer.holds(*DEPARTMENT) and officer.department_id:
            answering = _answering(officer.department_id, below=officer.holds(Role.HEAD))
            owed |= Q(stage=Stage.HANDLING, department__in=answering)
        if officer.holds(Role.CLERK, Role.SHIFT_LEADER):
            owed |= Q(stage__in=(Stage.FILING, Stage.FEEDBACK, Stage.CLOSING))
        if officer.holds(Role.DISPATCHER):
            owed |= Q(stage=Stage.DISPATCH)
        if officer.holds(Role.LEADER):
            owed |= Q(stage__in=OPEN, level__gt=0)
        if wishes := flow.answers(officer.roles):
            owed |= Q(asks__in=wishes)
        return self.filter(owed)

    def to_call(self, at: datetime) -> CaseQuerySet:
        """Closed cases whose caller nobody has asked yet, while it is time."""
        return self.filter(call_by__gte=at)

    def reported_by(self, officer: Officer) -> CaseQuerySet:
        """Without what others do to help with it: he reported once."""
        return self.filter(reporter=officer, parent=None)

    def matching(self, terms: Mapping[str, Any], at: datetime) -> CaseQuerySet:
        """Narrowed by what a list's filters say; `at` is the moment by which a case is late."""
        found = self
        for name, said in terms.items():
            found = found.filter(MATCH[name](said, at))
        return found

    def ringing(self, at: object) -> CaseQuerySet:
        """Open cases whose alarm is past, the longest past first."""
        return self.filter(alarm_at__lte=at).order_by("alarm_at")


MATCH: Mapping[str, Callable[[Any, datetime], Q]] = {
    "stage": lambda said, at: Q(stage__in=said),
    "open": lambda said, at: Q(stage__in=OPEN) if said else Q(stage__in=flow.DONE),
    "source": lambda said, at: Q(source=said),
    "category": lambda said, at: in_class(said),
    "department": lambda said, at: Q(department=said) if int(said) else Q(department=None),  # 0: nobody's yet
    "area": lambda said, at: Q(cell__area__code__startswith=said),
    "cell": lambda said, at: Q(cell__code=said),
    "officer": lambda said, at: _of_officer(said),
    "level": lambda said, at: Q(level=said),
    "late": lambda said, at: Q(due_at__lt=at) if said else Q(due_at__gte=at) | Q(due_at=None),
    "at_risk": lambda said, at: _at_risk(at) if said else ~_at_risk(at),
    "asks": lambda said, at: ~Q(asks="") if said else Q(asks=""),
    "since": lambda said, at: Q(reported_at__gte=said),
    "until": lambda said, at: Q(reported_at__lt=said),
    "late_overall": lambda said, at: _late_overall(at) if said else ~_late_overall(at) | Q(promise_at=None),
    "q": lambda said, at: _found(said),
}


def _of_officer(said: Any) -> Q:
    """What somebody reported, or holds and has not done yet. Each by its own index, as with what is found."""
    reported, held = Case.objects.filter(reporter=said), Case.objects.filter(holder=said, stage__in=OPEN)
    return Q(pk__in=reported.values("pk").union(held.values("pk")))


def _found(said: str) -> Q:
    """A number or its end, or words. Each by its own index: an OR of both would make the pairs of every find anew."""
    words, number = sought(said), case_number(said)
    if not number:
        return _saying(words)
    numbered = Case.objects.filter(StartsWith(Reverse("number"), number[::-1]))
    return Q(pk__in=numbered.values("pk").union(Case.objects.filter(_saying(words)).values("pk")))


def _saying(words: str) -> Q:
    """Whose text or place holds all words, each in one of its spellings."""
    found = Q()
    for word in words.split():
        found &= reduce(or_, map(_holding, spellings(word)))
    return found


def _holding(word: str) -> Q:
    """The index finds those that have the word's pairs; a single character has none."""
    held = Q(text__icontains=word) | Q(place__icontains=word)
    pairs = [word[n : n + 2].lower() for n in range(len(word) - 1)]
    return Q(DataContains(WORD_PAIRS, pairs)) & held if pairs else held


def _late_overall(at: datetime) -> Q:
    """Over later than promised, or still open after it: as promise.late() says of one case."""
    return Q(stage__in=flow.DONE, entered_at__gt=F("promise_at")) | Q(stage__in=OPEN, promise_at__lt=at)


def _at_risk(at: datetime) -> Q:
    """Not late yet, but past the moment reckoned for this very stint (an older one lies before it was entered)."""
    reckoned = Q(outlook__risk_at__lte=at, outlook__risk_at__gte=F("entered_at"))
    return reckoned & Q(stage=Stage.HANDLING, due_at__gte=at)


def _seen_as(role: str, officer: Officer, *, led: bool = True) -> Q:
    """What an officer sees from one of his posts; `led`: also what other departments do to help his own."""
    if role == Role.INSPECTOR:
        return Q(reporter=officer) | Q(holder=officer) | Q(cell__in=_patrolled(officer))
    if role in DEPARTMENT and officer.department_id:
        answering = _answering(officer.department_id, below=role == Role.HEAD)
        own = Q(department__in=answering)
        return own | Q(pk__in=_helping(answering)) if led else own
    if role in CENTRE:
        return Q(cell__area__code__startswith=officer.area.code) if officer.area else Q(pk__isnull=False)
    return Q(pk__in=[])


def _helping(departments: list[int]) -> models.QuerySet[Any, Any]:
    """Asked apart, by the index of parts: joined, every count of a department would read all cases there ever were."""
    return Case.objects.filter(parent__isnull=False, parent__department__in=departments).values("pk")


def _patrolled(officer: Officer) -> models.QuerySet[Any, Any]:
    return Cell.objects.filter(beats__officers=officer).values("pk")


BELOW = """
    WITH RECURSIVE below AS (
        SELECT id FROM grid_department WHERE id = %s
        UNION SELECT child.id FROM grid_department child
        JOIN below ON coalesce(child.heir_id, child.parent_id) = below.id
    )
    SELECT id FROM below
"""


def _answering(own: int, *, below: bool) -> list[int]:
    """A handler answers for his own department, its head for all those below it too, and for its forerunners."""
    return [row.pk for row in Department.objects.raw(BELOW, [own])] if below else [own]


class Case(models.Model):
    """案卷: where it stands now. Written by docket.py alone."""

    uuid = models.UUIDField(unique=True, help_text="chosen by the phone, so that a retry is not a second case")
    number = models.CharField(_("案卷号"), max_length=30, unique=True)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of what was reported")
    source = models.CharField(_("问题来源"), max_length=12, choices=Source)
    category = models.ForeignKey(Category, models.PROTECT, related_name="+", db_index=False)
    condition = models.ForeignKey(Condition, models.PROTECT, null=True, related_name="+", db_index=False)
    component = models.ForeignKey(Component, models.PROTECT, null=True, related_name="+", db_index=False)
    cell = models.ForeignKey(Cell, models.PROTECT, related_name="+", db_index=False)
    off_cell_m = models.FloatField(default=0, help_text="metres from the cell, 0 inside it")
    point = models.PointField(srid=SRID, spatial_index=False)
    place = models.CharField(_("地点描述"), max_length=200, blank=True)
    text = models.TextField(_("问题描述"), blank=True)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False)
    reported_at = models.DateTimeField(_("上报时间"))

    stage = models.CharField(_("环节"), max_length=12, choices=Stage, default=Stage.FILING)
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+", db_index=False)
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False)
    asks = models.CharField(max_length=12, choices=[(verb.value, verb.label) for verb in ASKABLE], blank=True)
    supervised_at = models.DateTimeField(null=True, help_text="a leader waits for a reply since then")
    reply_due_at = models.DateTimeField(null=True, help_text="until when the leader waits")
    reply_late = models.BooleanField(default=False, help_text="the alarm for a missing reply has rung")
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="children", db_index=False, help_text="it helps with this one"
    )
    same_as = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="duplicates", db_index=False, help_text="it ends with this one"
    )

    # The stage's clock: `allowed_s` seconds of `clock` since `entered_at` end at `due_at`.
    entered_at = models.DateTimeField()
    clock = models.CharField(max_length=16, choices=Unit, blank=True)
    allowed_s = models.PositiveIntegerField(null=True)
    due_at = models.DateTimeField(_("到期时间"), null=True)
    alarm_at = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(default=0)
    expired = models.BooleanField(default=False, db_default=False, help_text="a line says that this stint is late")
    provisional = models.BooleanField(default=False, help_text="counted through a year without a calendar")
    promise_at = models.DateTimeField(_("整案时限"), null=True, help_text="by when the whole case shall be over")
    call_by = models.DateTimeField(_("回访期限"), null=True, help_text="until then its caller is to be called back")

    objects = CaseQuerySet.as_manager()

    lived: list[CaseEvent] | None = None
    """Its lines, where its whole life is reckoned before anything is written; see logbook.py."""

    class Meta:
        verbose_name = _("案卷")
        indexes = [
            models.Index(fields=["alarm_at"], name="case_alarm", condition=Q(alarm_at__isnull=False)),
            models.Index(fields=["department", "due_at", "id"], name="case_owed", condition=Q(stage="handling")),
            models.Index(fields=["stage", "due_at", "id"], name="case_queue", condition=Q(stage__in=OPEN)),
            models.Index(  # of a beat; with what it includes it counts all open work without touching a case
                fields=["cell", "due_at", "id"],
                include=["stage", "department", "level"],
                name="case_on_beat",
                condition=Q(stage__in=OPEN),
            ),
            BrinIndex(fields=["reported_at"], name="case_reported", autosummarize=True, pages_per_range=32),
            models.Index(fields=["reporter", "-id"], name="case_reported_by"),
            models.Index(fields=["asks", "due_at", "id"], name="case_asking", condition=~Q(asks="")),
            models.Index(fields=["due_at", "id"], name="case_supervised", condition=Q(supervised_at__isnull=False)),
            models.Index(fields=["cell", "reported_at"], name="case_reported_in"),
            models.Index(fields=["same_as"], name="case_duplicate", condition=Q(same_as__isnull=False)),
            models.Index(fields=["due_at", "id"], name="case_due"),
            models.Index(OpClass(Reverse("number"), name="text_pattern_ops"), name="case_number_end"),
            GinIndex(WORD_PAIRS, name="case_words", gin_pending_list_limit=256),
            models.Index(fields=["parent"], name="case_child", condition=Q(parent__isnull=False)),
            models.Index(fields=["call_by", "id"], name="case_to_call", condition=Q(call_by__isnull=False)),
            GistIndex(fields=["point"], name="case_near", condition=Q(stage__in=OWED)),
        ]
        constraints = [
            models.CheckConstraint(
                name="case_done_is_silent",
                condition=Q(stage__in=OPEN) | Q(alarm_at__isnull=True, due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="case_linked_to_another",
                condition=~Q(stage=Stage.LINKED) | Q(same_as__isnull=False) & ~Q(same_as=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @cached_property
    def log(self) -> list[CaseEvent]:
        """All lines, the oldest first, with their people; read once. A case just opened knows them already."""
        return list(self.events.select_related("by", "department", "holder").order_by("id"))


class Lines(models.Manager["CaseEvent"]):
    """The lines that may be read: a case's own log too leaves out the sealed ones."""

    def get_queryset(self) -> models.QuerySet[CaseEvent]:
        return super().get_queryset().exclude(verb__in=SEALED)


class CaseEvent(models.Model):
    """流转记录: one line of a case's log. Only ever added; the database refuses anything else.

    What must stay unknown until a blind re-check is over is sealed: it is a line, it has its debts and hearers, but
    neither `objects` nor `case.events` finds it, only `sealed`.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    # The case's, here too so that what happened in a cell is found without a join. Its key is checked there.
    cell = models.ForeignKey(Cell, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()
    verb = models.CharField(max_length=12, choices=Verb)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    left = models.CharField(max_length=12, choices=Stage, blank=True)
    entered = models.CharField(max_length=12, choices=Stage)
    # Who owed the stage this event found, since when, until when, by which clock: frozen here.
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+", db_index=False)
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    since = models.DateTimeField(null=True)
    clock = models.CharField(max_length=16, choices=Unit, blank=True)
    allowed_s = models.PositiveIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    late_s = models.PositiveIntegerField(default=0, help_text="seconds past due, in the stage's own clock")
    late = models.GeneratedField(
        expression=Q(at__gt=F("due_at")),  # type: ignore[arg-type]  # Django takes conditions here, its stubs do not know
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )
    level = models.PositiveSmallIntegerField(default=0)
    facts = models.JSONField(default=dict)
    key = models.UUIDField(
        null=True, unique=True, help_text="chosen by the phone, so that a retry is not a second move"
    )

    objects = Lines()
    sealed = models.Manager["CaseEvent"]()

    class Meta:
        verbose_name = _("流转记录")
        indexes = [
            models.Index(fields=["department", "at"], name="event_bucket"),
            models.Index(fields=["cell", "at"], name="event_in_cell"),
            models.Index(fields=["cell", "due_at"], name="event_late_in_cell", condition=Q(late=True)),
            models.Index(
                fields=["department", "due_at"], name="event_overdue", condition=Q(late=True, left="handling")
            ),
            models.Index(fields=["at"], include=["case", "cell"], name="event_closed", condition=Q(verb="close")),
            models.Index(fields=["at"], name="event_checked", condition=Q(verb__in=[Verb.PASS, Verb.REWORK])),
        ]


class Outbox(models.Model):
    """待办出口: a debt to one consumer for one event. Paid debts are deleted."""

    event = models.ForeignKey(CaseEvent, models.CASCADE, related_name="debts", db_index=False)
    consumer = models.CharField(max_length=12)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    away = models.BooleanField(default=False, db_default=False, help_text="put off: whoever is to hear is out of reach")

    class Meta:
        indexes = [models.Index(fields=["consumer", "due_at"], name="outbox_due")]
        constraints = [models.UniqueConstraint(fields=["event", "consumer"], name="outbox_once")]
