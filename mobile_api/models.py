"""What the door keeps: the messages that people got, and the devices that hear of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent


class Message(models.Model):
    """收件箱: one line in an officer's inbox. Numbered by one writer, so "changes since" loses none."""

    number = models.BigIntegerField(unique=True)
    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="messages", db_index=False)
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="+", db_index=False)
    written_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("消息")
        indexes = [models.Index(fields=["officer", "-number"], name="inbox")]
        constraints = [models.UniqueConstraint(fields=["event", "officer"], name="message_once")]

    def __str__(self) -> str:
        return f"{self.number}"


class Device(models.Model):
    """设备: where FCM reaches an officer's phone. A token belongs to whoever said it last."""

    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="devices")
    token = models.CharField(max_length=512, unique=True)
    platform = models.CharField(max_length=10, choices=[("android", "Android"), ("ios", "iOS"), ("web", "Web")])
    language = models.CharField(max_length=10, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("设备")

    def __str__(self) -> str:
        return f"{self.platform} {self.officer_id}"
