"""What the door keeps: the messages that people got, the devices that hear of them, and the programs that do."""

from __future__ import annotations

from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent
from grid.models import Area, Department


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
    """设备: where FCM reaches an officer's phone. A token belongs to whoever said it last, and ends with the session
    that said it last."""

    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="devices")
    session = models.ForeignKey(
        UserSession, models.CASCADE, null=True, related_name="devices", help_text="none: of before sessions were kept"
    )
    token = models.CharField(max_length=512, unique=True)
    platform = models.CharField(max_length=10, choices=[("android", "Android"), ("ios", "iOS"), ("web", "Web")])
    language = models.CharField(max_length=10, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("设备")

    def __str__(self) -> str:
        return f"{self.platform} {self.officer_id}"


class Hook(models.Model):
    """回调: a program of the city's that hears of events, at its own address."""

    name = models.CharField(_("名称"), max_length=60)
    url = models.URLField(_("地址"), max_length=500)
    secret = models.CharField(max_length=64, help_text="signs what is sent; shown once")
    old_secret = models.CharField(max_length=64, blank=True, help_text="the one before: signs too, until old_until")
    old_until = models.DateTimeField(null=True)
    verbs = ArrayField(models.CharField(max_length=12), default=list, help_text="none: all")
    area = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", help_text="none: the whole city")
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="+", help_text="none: all")
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    resting_until = models.DateTimeField(null=True, help_text="it did not answer: nothing is tried until then")

    class Meta:
        verbose_name = _("回调")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """回调记录: one event for one hook, and what became of it."""

    class Status(models.TextChoices):
        OWED = "owed", _("待送达")
        DELIVERED = "delivered", _("已送达")
        GIVEN_UP = "given_up", _("已放弃")

    key = models.UUIDField(default=uuid4, unique=True, help_text="the same at each try")
    hook = models.ForeignKey(Hook, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(CaseEvent, models.PROTECT, null=True, related_name="+", help_text="none: a trial")
    status = models.CharField(max_length=10, choices=Status, default=Status.OWED)
    tries = models.PositiveSmallIntegerField(default=0)
    code = models.PositiveSmallIntegerField(null=True, help_text="the answer's")
    note = models.CharField(max_length=200, blank=True, help_text="why there was none")
    seconds = models.FloatField(null=True)
    made_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("回调记录")
        indexes = [models.Index(fields=["hook", "-id"], name="delivery_log")]
        constraints = [models.UniqueConstraint(fields=["event", "hook"], name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.key}"


class Preference(models.Model):
    """消息偏好: when and how an officer wants to be rung. Without a row: at any time, by every way there is."""

    officer = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference")
    quiet_from = models.TimeField(null=True, help_text="by the city's clock; may lie after quiet_to")
    quiet_to = models.TimeField(null=True)
    working_time = models.BooleanField(default=False, help_text="rung only in the department's working time")
    mail = models.BooleanField(default=True)
    digest = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("消息偏好")
        constraints = [
            models.CheckConstraint(
                name="quiet_has_two_ends",
                condition=models.Q(quiet_from=None, quiet_to=None)
                | models.Q(quiet_from__isnull=False, quiet_to__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.officer_id}"


class Digest(models.Model):
    """晨报: that an officer was written to on a day. Claimed before it is sent, so that nobody gets two."""

    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()

    class Meta:
        verbose_name = _("晨报")
        constraints = [models.UniqueConstraint(fields=["day", "officer"], name="digest_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.officer_id}"
