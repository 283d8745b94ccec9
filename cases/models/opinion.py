"""Opinions (常用意见): sentences that people write again and again, ready to be chosen."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..flow import Verb


class Opinion(models.Model):
    """常用意见: a sentence for the note of a move; without a verb, of any move."""

    verb = models.CharField(_("操作"), max_length=12, choices=Verb, blank=True, help_text="blank: any")
    text = models.CharField(_("意见"), max_length=200)
    place = models.PositiveSmallIntegerField(_("次序"), default=0, help_text="the smallest stands first")

    class Meta:
        verbose_name = _("常用意见")
        ordering = ["place", "id"]
        constraints = [models.UniqueConstraint(fields=["verb", "text"], name="opinion_once")]

    def __str__(self) -> str:
        return self.text
