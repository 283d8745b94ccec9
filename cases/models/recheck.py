"""Blind re-checks: which share of the closed cases, and each that was drawn."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from grid.models import Area

from ..clock import Limit, Unit
from ..flow import Source
from .case import Case, CaseEvent
from .taxonomy import Category


class Sampling(models.Model):
    """复查抽样: which share of the closed cases is re-checked. The most particular row wins: class, area, source."""

    source = models.CharField(_("问题来源"), max_length=12, choices=Source, blank=True, help_text="blank: any")
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, related_name="+")
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="+")
    share = models.DecimalField(
        _("比例"), max_digits=4, decimal_places=3, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    days = models.PositiveSmallIntegerField(
        _("天"), validators=[MinValueValidator(1)], help_text="after the closing; later nobody is sent any more"
    )
    value = models.DecimalField(_("时限"), max_digits=6, decimal_places=2, help_text="of whoever is drawn")
    unit = models.CharField(_("时限单位"), max_length=16, choices=Unit)

    class Meta:
        verbose_name = _("复查抽样")
        constraints = [
            models.UniqueConstraint(fields=["source", "area", "category"], name="sampling_once", nulls_distinct=False),
            models.CheckConstraint(
                name="sampling_sane", condition=models.Q(share__gte=0, share__lte=1, days__gt=0, value__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.share}"

    @property
    def limit(self) -> Limit:
        return Limit(self.value, Unit(self.unit))


class Recheck(models.Model):
    """复查: a closed case is looked at again by an inspector who had no hand in it.

    It is no stage: the case stays closed.

    Until it is over nobody knows of it but who was drawn, and, once he doubts, those who decide.
    """

    class Verdict(models.TextChoices):
        HOLDS = "holds", _("复查属实")
        FAILS = "fails", _("复查不属实")

    case = models.ForeignKey(Case, models.PROTECT, related_name="rechecks")
    closing = models.OneToOneField(CaseEvent, models.PROTECT, related_name="+", help_text="the closing it looks at")
    value = models.DecimalField(max_digits=6, decimal_places=2, help_text="the limit when it was drawn")
    unit = models.CharField(max_length=16, choices=Unit)
    until = models.DateTimeField(help_text="nobody is sent later")

    inspector = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="rechecks", db_index=False
    )
    ordered_at = models.DateTimeField(null=True, help_text="when it fell on the inspector")
    due_at = models.DateTimeField(null=True)
    missed = ArrayField(models.BigIntegerField(), default=list, help_text="who was drawn before and did not go in time")

    done_at = models.DateTimeField(null=True)
    late_s = models.PositiveIntegerField(default=0, help_text="how late it was done, in the limit's own clock")
    verdict = models.CharField(_("复查结论"), max_length=8, choices=Verdict, blank=True)
    photos = models.JSONField(default=list, help_text="[sha256, purpose] pairs")
    note = models.TextField(_("说明"), blank=True)
    key = models.UUIDField(null=True, unique=True, help_text="chosen by the phone, so that a retry is no second answer")

    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    upheld = models.BooleanField(null=True, help_text="whether the case was reopened for it")
    decision = models.TextField(_("答复"), blank=True)
    decision_key = models.UUIDField(null=True, unique=True)
    over_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("复查")
        indexes = [
            models.Index(fields=["inspector", "due_at"], name="recheck_open", condition=models.Q(over_at=None)),
            models.Index(fields=["inspector", "over_at"], name="recheck_over"),
        ]
        constraints = [
            models.CheckConstraint(
                name="recheck_answered_whole",
                condition=models.Q(verdict="", done_at=None, key=None)
                | ~models.Q(verdict="") & models.Q(done_at__isnull=False, inspector__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.verdict}"

    @property
    def doubted(self) -> bool:
        """Whether it waits for a decision."""
        return self.verdict == Recheck.Verdict.FAILS and self.over_at is None
