"""The rows by which the system decides: what it does by itself, how long a stage may take, when work is done."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from grid.models import Area, Department
from grid.roles import Role

from ..calendar import Calendar, Season, SpecialDay, Unusable
from ..clock import Limit, Unit
from ..flow import OWED, Source, Stage, Verb
from .taxonomy import Category


class Policy(models.Model):
    """自动流转: whether the system makes a move by itself. The most particular row wins: area, then source."""

    AUTOMATIC = (Verb.FILE, Verb.ORDER_VERIFY, Verb.DISPATCH, Verb.ORDER_CHECK, Verb.CLOSE)

    verb = models.CharField(_("操作"), max_length=12, choices=[(verb.value, verb.label) for verb in AUTOMATIC])
    source = models.CharField(_("问题来源"), max_length=12, choices=Source, blank=True, help_text="blank: any")
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, related_name="+")
    automatic = models.BooleanField(_("自动"), default=True)
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("自动流转")
        constraints = [
            models.UniqueConstraint(fields=["verb", "source", "area"], name="policy_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.source}"


class StageLimit(models.Model):
    """环节时限: how long a stage may take where no condition says it.

    A row of urgent categories goes before one of all, there the source's own before one of any source.
    """

    stage = models.CharField(_("环节"), max_length=12, choices=Stage)
    source = models.CharField(_("问题来源"), max_length=12, choices=Source, blank=True, help_text="blank: any")
    urgent = models.BooleanField(_("紧急"), default=False, help_text="of urgent categories alone")
    value = models.DecimalField(_("时限"), max_digits=6, decimal_places=2)
    unit = models.CharField(_("时限单位"), max_length=16, choices=Unit)

    class Meta:
        verbose_name = _("环节时限")
        constraints = [
            models.UniqueConstraint(fields=["stage", "source", "urgent"], name="stage_limit_once"),
            models.CheckConstraint(name="stage_limit_positive", condition=models.Q(value__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.value} {self.unit}"

    def limit(self) -> Limit:
        """Raises ValueError for a unit that is none."""
        return Limit(self.value, Unit(self.unit))

    def clean(self) -> None:
        """Raises ValidationError for a stage at which no clock of a row runs."""
        if self.stage in Stage.values and (self.stage not in OWED or self.stage == Stage.SHELVED):
            raise ValidationError({"stage": gettext("该环节不按环节时限计时")})


class Rung(models.Model):
    """升级阶梯: at this share of the limit the alarm rings, and for whom.

    The rungs of one scope are a ladder: a category's (a sub-class or a major), that of all urgent categories, a
    department's, or, without any of these, everybody's. Levels count from 1.
    """

    level = models.PositiveSmallIntegerField(_("级别"))
    share = models.DecimalField(_("时限比例"), max_digits=4, decimal_places=2, help_text="1.00 is the whole limit")
    role = models.CharField(_("知会岗位"), max_length=16, choices=Role)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="+")
    urgent = models.BooleanField(_("紧急"), default=False, help_text="of all urgent categories")
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    at_night = models.BooleanField(
        _("不分昼夜"),
        null=True,
        blank=True,
        help_text="rings through quiet hours; blank: where its clock runs at night",
    )

    SCOPE = ("category_id", "urgent", "department_id")

    class Meta:
        verbose_name = _("升级阶梯")
        ordering = ["level"]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "category", "urgent", "department"], name="rung_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="rung_one_scope",
                condition=models.Q(category=None, urgent=False)
                | models.Q(category=None, department=None)
                | models.Q(urgent=False, department=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.share}"

    def ladder(self) -> str:
        """Whose ladder it belongs to, for people."""
        if self.urgent:
            return gettext("紧急类别")
        return str(self.category or self.department or gettext("通用"))


class Likeness(models.Model):
    """相似规则: within how many metres and days an open case of the same class is similar.

    A sub-class's row goes before its major's, that before the row of all classes. Without a row, nothing is similar.
    """

    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="+")
    metres = models.PositiveSmallIntegerField(_("米"), validators=[MinValueValidator(1), MaxValueValidator(500)])
    days = models.PositiveSmallIntegerField(_("天"), validators=[MinValueValidator(1)])
    by_major = models.BooleanField(
        _("按大类"), default=False, help_text="any sub-class of the same major is the same class"
    )

    class Meta:
        verbose_name = _("相似规则")
        constraints = [models.UniqueConstraint(fields=["category"], name="likeness_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.metres} m, {self.days} d"


class Timetable(models.Model):
    """作息: when a department works; the row without a department is the city's."""

    name = models.CharField(_("名称"), max_length=60)
    department = models.OneToOneField(Department, models.PROTECT, null=True, blank=True, related_name="timetable")
    workdays = ArrayField(models.PositiveSmallIntegerField(), help_text="ISO weekdays, 1 is Monday")
    day_s = models.PositiveIntegerField(help_text="what one working day of a limit is worth, in working seconds")
    seasons = models.JSONField(
        help_text='[{"start": "05-01", "periods": [["08:00", "12:00"], …]}, …]: each until the next begins'
    )

    class Meta:
        verbose_name = _("作息")
        constraints = [
            models.UniqueConstraint(fields=["department"], name="timetable_once", nulls_distinct=False),
            models.CheckConstraint(name="timetable_day", condition=models.Q(day_s__gt=0)),
            models.CheckConstraint(
                name="timetable_week", condition=models.Q(workdays__contained_by=[1, 2, 3, 4, 5, 6, 7])
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for hours that make no calendar."""
        try:
            self.calendar({}, frozenset())
        except Unusable as error:
            raise ValidationError({"seasons": str(error)}) from None

    def calendar(self, special: Mapping[date, SpecialDay], years: frozenset[int]) -> Calendar:
        """The working time that it describes. Raises Unusable."""
        try:
            return Calendar(
                zone=ZoneInfo(settings.TIME_ZONE),
                workdays=frozenset(self.workdays),
                day_s=self.day_s,
                seasons=tuple(_season(season) for season in self.seasons),
                exceptions=special,
                years=years,
                name=self.name,
            )
        except Unusable:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unusable("timetable_invalid", _("作息写得不对：%(error)s"), error=repr(error)) from None


def _season(said: Mapping[str, Any]) -> Season:
    month, day = map(int, said["start"].split("-"))
    periods = tuple((time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in said["periods"])
    return Season((month, day), periods)


class HolidayQuerySet(models.QuerySet["Holiday"]):
    def known_years(self) -> set[int]:
        """Those whose notice is loaded."""
        return {year for year in self.filter(statutory=True).values_list("year", flat=True) if year}


class Holiday(models.Model):
    """节假日与调休. A year is known once its notice is loaded; until then its deadlines are provisional.

    A notice names days of the years beside its own, too: these are not known by it.
    """

    day = models.DateField(_("日期"), unique=True)
    off = models.BooleanField(_("休息"), help_text="false: a make-up working day")
    name = models.CharField(_("名称"), max_length=40)
    statutory = models.BooleanField(_("法定"), default=True, help_text="false: the city's own")
    year = models.PositiveSmallIntegerField(_("年份"), null=True, blank=True, help_text="of the notice that names it")

    objects = HolidayQuerySet.as_manager()

    class Meta:
        verbose_name = _("节假日")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class Edition(models.Model):
    """Which edition of the deciding rows is in force. Written by triggers alone, in the writer's transaction."""

    version = models.UUIDField(default=uuid.uuid4)
