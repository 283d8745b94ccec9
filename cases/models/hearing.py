"""Who hears of what, as rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from grid.roles import Role

from .. import flow
from ..flow import OWED, Stage, Verb


class Hearing(models.Model):
    """知会规则: who hears that something was done, and by which ways beside his inbox, which always has it.

    Each relation goes by its most particular row: that of emergencies, then the verb's own, then the stage's own. A
    row without a verb speaks of every step to another stage. Who stands in no row that fits does not hear.
    """

    class Who(models.TextChoices):
        """What somebody has to do with the event. The posts of the centre are those in charge of the territory."""

        OWING = "owing", _("应办人")
        REPORTER = "reporter", _("上报人")
        DEPARTMENT = "department", _("责任单位")
        HEAD = Role.HEAD.value, Role.HEAD.label
        ASKING = "asking", _("申请人")
        GRANTING = "granting", _("审批人")
        WOKEN = "woken", _("升级阶梯知会人")
        DRAWN = "drawn", _("抽中的复查人")
        CLERK = Role.CLERK.value, Role.CLERK.label
        SHIFT_LEADER = Role.SHIFT_LEADER.value, Role.SHIFT_LEADER.label
        DISPATCHER = Role.DISPATCHER.value, Role.DISPATCHER.label
        LEADER = Role.LEADER.value, Role.LEADER.label
        AUDITOR = Role.AUDITOR.value, Role.AUDITOR.label

    class Channel(models.TextChoices):
        PUSH = "push", _("推送")
        MAIL = "mail", _("邮件")
        SMS = "sms", _("短信")

    ONLY = {
        Who.ASKING: (Verb.REFUSE, *flow.ASKABLE),
        Who.GRANTING: (Verb.ASK,),
        Who.WOKEN: (Verb.ESCALATE,),
        Who.DRAWN: (Verb.DRAW,),
    }
    """Relations that there are at certain verbs alone."""

    verb = models.CharField(_("操作"), max_length=12, choices=Verb, blank=True, help_text="blank: any change of stage")
    entered = models.CharField(_("环节"), max_length=12, choices=Stage, blank=True, help_text="blank: any")
    who = models.CharField(_("知会对象"), max_length=12, choices=Who)
    urgent = models.BooleanField(_("紧急"), default=False, help_text="of emergencies alone")
    channels = ArrayField(
        models.CharField(max_length=4, choices=Channel), default=list, blank=True, verbose_name=_("渠道")
    )

    class Meta:
        verbose_name = _("知会规则")
        constraints = [models.UniqueConstraint(fields=["verb", "entered", "who", "urgent"], name="hearing_once")]

    def __str__(self) -> str:
        return f"{self.verb or '*'} {self.entered or '*'}: {self.who}"

    def clean(self) -> None:
        """Raises ValidationError for a row that could never tell anybody, or twice by one way."""
        if self.verb not in ("", *Verb.values) or self.entered not in ("", *Stage.values):
            return  # said by the fields themselves
        where = set(_stages(self.verb))
        if self.entered and self.entered not in where:
            raise ValidationError({"entered": _("这个操作之后，案卷不会处于该环节")})
        if self.who in self.ONLY and self.verb not in self.ONLY[self.Who(self.who)]:
            allowed = _("、").join(str(verb.label) for verb in self.ONLY[self.Who(self.who)])
            raise ValidationError({"who": _("只用于：%(verbs)s") % {"verbs": allowed}})
        if self.who == self.Who.OWING and not ({self.entered} if self.entered else where) & set(OWED):
            raise ValidationError({"who": _("该环节没有应办人")})
        if len(set(self.channels)) < len(self.channels):
            raise ValidationError({"channels": _("渠道重复")})


def _stages(verb: str) -> Iterator[Stage]:
    """Where a case can stand after a verb; after any change of stage, for none."""
    for move in (flow.REPORT, *flow.MOVES):
        if verb in ("", move.verb):
            yield from (move.to,) if move.to else (move.at if verb else ())
