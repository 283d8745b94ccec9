"""Photos as evidence: kept under the hash of their bytes, tied to the line of the log that showed them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models
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
    device = models.CharField(max_length=80, blank=True)
    shrunk_at = models.DateTimeField(null=True, help_text="since when its previews exist")

    class Meta:
        verbose_name = _("照片")
        indexes = [models.Index(fields=["received_at"], name="photo_to_shrink", condition=models.Q(shrunk_at=None))]


class Evidence(models.Model):
    """A photo shown by one line of a case's log. It may be named before it arrives."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence")
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="evidence", db_index=False)
    photo = models.ForeignKey(Photo, models.DO_NOTHING, db_constraint=False, related_name="evidence")
    purpose = models.CharField(max_length=8, choices=Purpose)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "photo", "purpose"], name="evidence_once")]
