"""Photos as evidence: kept under the hash of their bytes, tied to the line of the log that showed them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.utils.translation import gettext_lazy as _

from grid.models import SRID

from ..flow import Purpose
from .case import Case, CaseEvent


class Photo(models.Model):
    """照片. The original is kept untouched; the columns say what its EXIF said."""

    sha256 = models.CharField(max_length=64, primary_key=True, help_text="of the bytes as they came, hex")
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    kind = models.CharField(max_length=8, help_text="jpeg, png, webp or heic")
    size = models.PositiveIntegerField(help_text="bytes")
    width = models.PositiveIntegerField(help_text="pixels, upright")
    height = models.PositiveIntegerField(help_text="pixels, upright")
    taken_at = models.DateTimeField(_("拍摄时间"), null=True)
    point = models.PointField(srid=SRID, null=True, spatial_index=False)
    datum = models.CharField(
        max_length=8, blank=True, default="", help_text="in which the EXIF says its position, where it says so"
    )
    device = models.CharField(max_length=80, blank=True)
    looks = models.BigIntegerField(null=True, help_text="64 bits: much the same for the same picture saved anew")
    bands = ArrayField(models.PositiveIntegerField(), null=True, help_text="its four bands of 16 bits, each numbered")
    shrunk_at = models.DateTimeField(null=True, help_text="since when its previews exist")

    class Meta:
        verbose_name = _("照片")
        indexes = [
            models.Index(fields=["received_at"], name="photo_to_shrink", condition=models.Q(shrunk_at=None)),
            GinIndex(fields=["bands"], name="photo_alike"),
        ]


class Evidence(models.Model):
    """A photo shown by one line of a case's log. It may be named before it arrives."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence")
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="evidence", db_index=False)
    photo = models.ForeignKey(Photo, models.DO_NOTHING, db_constraint=False, related_name="evidence")
    purpose = models.CharField(max_length=8, choices=Purpose)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "photo", "purpose"], name="evidence_once")]


class Flag(models.Model):
    """疑点: a fact about a case's evidence that a clerk must answer before the case is closed. It accuses nobody."""

    class Code(models.TextChoices):
        PHOTO_AGAIN = "photo_again", _("照片曾用于其他案卷")
        PHOTO_SAME = "photo_same", _("照片与本案先前的照片相同")
        PHOTO_FAR = "photo_far", _("照片拍摄地过远")
        PHOTO_OLD = "photo_old", _("照片拍摄过早")
        PHOTO_ABSENT = "photo_absent", _("照片一直没有上传")
        MOCK = "mock", _("位置是模拟的")
        SEEN_AHEAD = "seen_ahead", _("发现时间晚于上报")
        SEEN_OLD = "seen_old", _("发现后很久才上报")

    case = models.ForeignKey(Case, models.PROTECT, related_name="flags", db_index=False)
    code = models.CharField(_("疑点"), max_length=12, choices=Code)
    photo = models.ForeignKey(Photo, models.PROTECT, null=True, related_name="+", db_index=False)
    figure = models.FloatField(null=True, help_text="bits, metres or minutes, as the code has it")
    other = models.ForeignKey(
        Case, models.PROTECT, null=True, related_name="+", db_index=False, help_text="which showed the picture first"
    )
    raised_at = models.DateTimeField()
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)
    note = models.TextField(_("说明"), blank=True)
    accepted = models.BooleanField(_("认可"), null=True, help_text="whether the clerk is satisfied")

    class Meta:
        verbose_name = _("疑点")
        constraints = [
            models.UniqueConstraint(fields=["case", "code", "photo"], name="flag_once", nulls_distinct=False),
            models.CheckConstraint(
                name="flag_answered_whole",
                condition=models.Q(answered_by=None, answered_at=None, accepted=None, note="")
                | models.Q(answered_by__isnull=False, answered_at__isnull=False, accepted__isnull=False),
            ),
        ]
