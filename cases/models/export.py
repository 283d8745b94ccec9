"""Exports (导出): files that the worker writes for people, little by little."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Export(models.Model):
    """导出: who asked for what, how far it is, and until when it can be fetched. The row stays: data left the house."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("排队中")
        WORKING = "working", _("生成中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("失败")
        STOPPED = "stopped", _("已取消")
        GONE = "gone", _("已过期")

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        PDF = "pdf", "PDF"

    uuid = models.UUIDField(unique=True, default=uuid4)
    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    sheet = models.CharField(max_length=20, help_text="which of exports.SHEETS")
    form = models.CharField(max_length=4, choices=Form)
    terms = models.JSONField(default=dict, help_text="what narrows it, as its sheet takes it")
    language = models.CharField(max_length=10)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    rows = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0, help_text="rows, as counted when it was asked for")
    cursor = models.TextField(blank=True, help_text="where the next rows begin")
    size = models.BigIntegerField(default=0, help_text="bytes that are written for good")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("导出")
        indexes = [models.Index(fields=["officer", "-id"], name="export_of")]

    def __str__(self) -> str:
        return f"{self.sheet} {self.uuid}"

    @property
    def label(self) -> str:
        """What it is of, for people."""
        from ..exports.sheets import SHEETS  # sheets are made of models

        return str(SHEETS[self.sheet].label) if self.sheet in SHEETS else self.sheet
