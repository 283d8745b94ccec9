"""The rows by which figures are judged, and what was published: frozen, as the log is."""

from __future__ import annotations

from fractions import Fraction

from django.conf import settings
from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from grid import levels
from grid.roles import Role

from ..periods import Span
from ..scores import Rate, Sum
from .figures import Basis


class Indicator(models.Model):
    """指标: one sum of metrics over another, in words a person can check. Without a denominator, a count."""

    class Better(models.TextChoices):
        HIGHER = "higher", _("越高越好")
        LOWER = "lower", _("越低越好")

    code = models.CharField(_("代码"), max_length=40, unique=True)
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    numerator = models.CharField(_("分子"), max_length=200, help_text="metrics, as: a + b - c")
    denominator = models.CharField(_("分母"), max_length=200, blank=True)
    better = models.CharField(_("方向"), max_length=6, choices=Better)
    counted_by = models.CharField(_("计数时间"), max_length=200)
    counted_by_en = models.CharField(max_length=200, blank=True)
    exclusions = models.CharField(_("不计入"), max_length=200, blank=True)
    exclusions_en = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("指标")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def rate(self) -> Rate:
        """As a value. Raises scores.Unfit."""
        below = Sum(self.denominator) if self.denominator else None
        return Rate(self.code, Sum(self.numerator), below, self.better == self.Better.HIGHER)


class Scheme(models.Model):
    """评分方案: items with weights and bands, and grades. Changed by a new version, valid from a day."""

    class Kind(models.TextChoices):
        CELL = "cell", _("单元网格")
        COMMUNITY = "community", levels.lazy_word("community")
        STREET = "street", levels.lazy_word("street")
        DISTRICT = "district", levels.lazy_word("district")
        BEAT = "beat", _("责任网格")
        DEPARTMENT = "department", _("责任单位")
        INSPECTOR = "inspector", Role.INSPECTOR.label
        CLERK = "clerk", Role.CLERK.label
        SHIFT_LEADER = "shift_leader", Role.SHIFT_LEADER.label
        DISPATCHER = "dispatcher", Role.DISPATCHER.label

    POSTS = (Kind.INSPECTOR, Kind.CLERK, Kind.SHIFT_LEADER, Kind.DISPATCHER)

    code = models.CharField(_("代码"), max_length=40)
    version = models.PositiveSmallIntegerField(_("版本"))
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    kind = models.CharField(_("评价对象"), max_length=12, choices=Kind)
    basis = models.CharField(_("统计口径"), max_length=6, choices=Basis)
    valid_from = models.DateField(_("生效日期"))
    said = models.JSONField(
        help_text='{"items": [{"indicator", "weight", "bands"}], "grades": [[letter, low, colour]]}'
    )

    class Meta:
        verbose_name = _("评分方案")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="scheme_version")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def counted(self, basis: str) -> Scheme:
        """The same, counted by a basis: itself where it is, else one that is not to be saved."""
        if basis == self.basis:
            return self
        return Scheme(kind=self.kind, code=self.code, said=self.said, basis=basis)


class Publication(models.Model):
    """发布: a period's scores as they were published, with the scheme by which they were reckoned.

    Never changed: another count is another revision, with its reason.
    """

    scheme = models.ForeignKey(Scheme, models.PROTECT, related_name="publications")
    code = models.CharField(max_length=40, help_text="the scheme's")
    span = models.CharField(_("周期"), max_length=8, choices=Span)
    since = models.DateField()
    until = models.DateField()
    revision = models.PositiveSmallIntegerField(_("修订号"), help_text="0 is the first")
    reason = models.CharField(_("修订理由"), max_length=200, blank=True)
    said = models.JSONField(help_text="the scheme's document and its indicators, as they were")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("发布")
        ordering = ["-since", "code", "-revision"]
        constraints = [
            models.UniqueConstraint(fields=["code", "span", "since", "revision"], name="publication_once"),
            models.CheckConstraint(
                name="publication_revised_why", condition=models.Q(revision=0) | ~models.Q(reason="")
            ),
        ]


class Result(models.Model):
    """One subject's line of a publication."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="results")
    subject = models.BigIntegerField()
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    figures = models.JSONField()
    lines = models.JSONField()
    points = models.CharField(max_length=120, blank=True, help_text="exact, as a fraction; blank: nothing to rate")
    grade = models.CharField(max_length=4, blank=True)
    rank = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("发布结果")
        constraints = [models.UniqueConstraint(fields=["publication", "subject"], name="result_once")]

    @property
    def exact(self) -> Fraction | None:
        return Fraction(self.points) if self.points else None


class Trial(models.Model):
    """试算: a what-if over past days under other limits or duties, reckoned by the worker and never published."""

    scheme = models.ForeignKey(Scheme, models.CASCADE, related_name="+", db_index=False)
    said = models.JSONField(help_text="what is to be different")
    since = models.DateField()
    until = models.DateField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    done = models.PositiveIntegerField(default=0, help_text="stints of handling reckoned so far")
    whole = models.PositiveIntegerField(default=0, help_text="of so many")
    finished_at = models.DateTimeField(null=True)
    failed = models.CharField(max_length=200, blank=True, help_text="the code of why")
    found = models.JSONField(null=True, help_text="subject → counts")
    state = models.JSONField(null=True, help_text="on which ground, what was found so far, and where to go on")

    class Meta:
        verbose_name = _("试算")
