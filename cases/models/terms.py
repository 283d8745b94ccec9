"""The rows of the side paths: on which terms they may be taken, and on which grounds."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..clock import Limit, Unit
from ..flow import Verb


class Terms(models.Model):
    """申请规则: how often, how soon and how far a side path may be taken. A verb without a row has no terms."""

    GOVERNED = (
        *(Verb.DECLINE, Verb.EXTEND, Verb.SHELVE, Verb.REOPEN, Verb.EXEMPT, Verb.SUPERVISE),
        *(Verb.CONTACT, Verb.CALL_BACK),
    )
    DUE = (Verb.SUPERVISE, Verb.CONTACT)
    """Of these the row says within what time something is due; late, it is done all the same."""

    verb = models.CharField(
        _("操作"), max_length=12, unique=True, choices=[(verb.value, verb.label) for verb in GOVERNED]
    )
    at_most = models.PositiveSmallIntegerField(_("每案次数"), null=True, blank=True, help_text="blank: any number")
    within_value = models.DecimalField(_("期限"), max_digits=6, decimal_places=2, null=True, blank=True)
    within_unit = models.CharField(_("期限单位"), max_length=16, choices=Unit, blank=True)
    when_late = models.BooleanField(_("超期可办"), default=True)
    longest_days = models.PositiveSmallIntegerField(_("最长天数"), null=True, blank=True, help_text="of shelving")

    class Meta:
        verbose_name = _("申请规则")
        constraints = [
            models.CheckConstraint(
                name="terms_within_whole",
                condition=Q(within_value=None, within_unit="") | (Q(within_value__gt=0) & ~Q(within_unit="")),
            )
        ]

    def __str__(self) -> str:
        return self.verb

    @property
    def within(self) -> Limit | None:
        """How long after the stage was entered it may be asked for; None: as long as the stage lasts.

        Of DUE: within what time the reply to a supervision, or the contact after a dispatch, is due; None: whenever
        it comes.
        """
        return Limit(Decimal(self.within_value), Unit(self.within_unit)) if self.within_value else None


class Ground(models.Model):
    """理由: why a side path is asked for, from a list, so that it can be counted."""

    verb = models.CharField(_("操作"), max_length=12, choices=Verb)
    code = models.CharField(_("代码"), max_length=20)
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = _("理由")
        ordering = ["verb", "code"]
        constraints = [models.UniqueConstraint(fields=["verb", "code"], name="ground_once")]

    def __str__(self) -> str:
        return self.name
