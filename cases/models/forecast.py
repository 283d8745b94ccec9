"""What is forecast from the log. Neither table is the truth: both are recounted."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from grid.models import Department

from ..pace import Curve, Key
from .case import Case
from .taxonomy import Category


class Pace(models.Model):
    """办理节奏: how long the handling of a class took of late, as `cases.pace` reads it."""

    category = models.ForeignKey(Category, models.CASCADE, related_name="+", help_text="a sub-class or a major")
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, related_name="+", db_index=False, help_text="none: all"
    )
    hour = models.PositiveSmallIntegerField(null=True, help_text="when the part of the day begins; none: any")
    missed = models.PositiveIntegerField(help_text="stints not done by their due moment")
    timely = models.PositiveIntegerField(help_text="stints done by their due moment")
    shares = ArrayField(models.FloatField(), help_text="quantiles of the share of the limit that these used")

    class Meta:
        verbose_name = _("办理节奏")
        constraints = [
            models.UniqueConstraint(fields=["category", "department", "hour"], name="pace_once", nulls_distinct=False)
        ]

    @property
    def key(self) -> Key:
        return self.category_id, self.department_id, self.hour

    @property
    def count(self) -> int:
        return self.missed + self.timely

    @cached_property
    def curve(self) -> Curve:
        return Curve(self.missed, self.timely, self.shares)


class Outlook(models.Model):
    """预测: from when an open case is at risk to miss its limit, if nothing happens to it."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="outlook")
    risk_at = models.DateTimeField()

    class Meta:
        verbose_name = _("预测")
