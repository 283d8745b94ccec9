"""月报: bulletins as they were issued."""

from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _


class Issue(models.Model):
    """月报发布: a month's bulletin, frozen whole. Never changed: another count is another revision, with its reason."""

    since = models.DateField(_("月份"), help_text="the first of the month")
    revision = models.PositiveSmallIntegerField(_("修订号"), help_text="0 is the first")
    reason = models.CharField(_("修订理由"), max_length=200, blank=True)
    said = models.JSONField(help_text="the bulletin, as cases.bulletin writes it down")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("月报")
        ordering = ["-since", "-revision"]
        constraints = [
            models.UniqueConstraint(fields=["since", "revision"], name="issue_once"),
            models.CheckConstraint(name="issue_revised_why", condition=models.Q(revision=0) | ~models.Q(reason="")),
        ]
