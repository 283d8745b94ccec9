"""The city while nothing is happening: where things are, and who answers for them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from .roles import Role

SRID = 4326  # lon, lat; CGCS2000 differs by less than a phone can measure


class Area(models.Model):
    """区 / 街道 / 社区: the territorial tree. A child's code begins with its parent's."""

    code = models.CharField(_("代码"), max_length=16, unique=True, help_text="as long as settings.AREA_WIDTHS says")
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    shape = models.MultiPolygonField(srid=SRID, null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("区域")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class CellQuerySet(models.QuerySet["Cell"]):
    def current(self) -> CellQuerySet:
        return self.filter(closed_on=None)


class Cell(models.Model):
    """单元网格: the smallest ground someone answers for. Closed by date, its code never used again."""

    code = models.CharField(_("代码"), max_length=20, unique=True)
    area = models.ForeignKey(Area, models.PROTECT, related_name="cells", help_text="the community it lies in")
    shape = models.GeometryField(srid=SRID, help_text="one polygon, or several: islands")  # the database refuses others
    area_m2 = models.FloatField(help_text="geodesic, square metres")
    region_class = models.CharField(_("区域分类"), max_length=8, blank=True, help_text="chooses among conditions")
    land_use = models.CharField(_("用地分类"), max_length=40, blank=True)
    opened_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    objects = CellQuerySet.as_manager()

    class Meta:
        verbose_name = _("单元网格")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Department(models.Model):
    """责任单位, a tree. One that keeps a street has that street as its area."""

    code = models.CharField(_("代码"), max_length=20, unique=True)
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, related_name="+")
    line = models.CharField(_("业务线"), max_length=40, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    heir = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="forerunners", help_text="takes over what it had"
    )

    class Meta:
        verbose_name = _("责任单位")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="department_heir", condition=Q(heir=None) | Q(closed_on__isnull=False) & ~Q(heir=F("id"))
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def above_id(self) -> int | None:
        """The department that it hangs below in the tree: its heir, once it is closed for one."""
        return self.heir_id or self.parent_id


class Officer(AbstractUser):
    """人员. The name on a case's log stays when the person leaves: officers are disabled, never deleted."""

    name = models.CharField(_("姓名"), max_length=40, blank=True)
    roles = ArrayField(models.CharField(max_length=16, choices=Role), default=list, verbose_name=_("岗位"))
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="officers")
    area = models.ForeignKey(
        Area,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="what a centre's post may see; none: all",
    )
    phone = models.CharField(_("电话"), max_length=20, blank=True)
    language = models.CharField(_("语言"), max_length=10, blank=True, help_text="none: the phone's")

    class Meta:
        verbose_name = _("人员")
        indexes = [GinIndex(fields=["roles"], name="officer_roles")]

    def __str__(self) -> str:
        return self.name or self.username

    def holds(self, *roles: str) -> bool:
        return not set(roles).isdisjoint(self.roles)


class Leave(models.Model):
    """请假: an officer is away from one moment until another, and somebody stands in for him, if anybody does."""

    officer = models.ForeignKey(Officer, models.CASCADE, related_name="leaves")
    stand_in = models.ForeignKey(Officer, models.PROTECT, null=True, blank=True, related_name="+")
    since = models.DateTimeField(_("开始时间"))
    until = models.DateTimeField(_("结束时间"))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("请假")
        ordering = ["since"]
        indexes = [models.Index(fields=["until"], name="leave_now")]
        constraints = [
            models.CheckConstraint(name="leave_has_time", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(name="leave_by_another", condition=Q(stand_in=None) | ~Q(stand_in=F("officer"))),
            ExclusionConstraint(
                name="leave_once",
                # As a range, so that the index needs no extension.
                expressions=[
                    (Func("officer", "officer", Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (Func("since", "until", function="tstzrange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.officer} {self.since:%Y-%m-%d}"


class Shift(models.Model):
    """考勤: an officer is on duty from one moment until another. Where he is, is kept only meanwhile."""

    officer = models.ForeignKey(Officer, models.PROTECT, related_name="shifts", db_index=False)
    since = models.DateTimeField(_("上岗时间"))
    until = models.DateTimeField(_("离岗时间"), null=True)
    forgotten = models.BooleanField(default=False, help_text="he did not say that he left: the system ended it")
    point = models.PointField(srid=SRID, null=True, spatial_index=False, help_text="where he was last")
    seen_at = models.DateTimeField(null=True, help_text="when he was there")

    class Meta:
        verbose_name = _("考勤")
        indexes = [models.Index(fields=["officer", "-since"], name="shift_of")]
        constraints = [
            models.UniqueConstraint(fields=["officer"], name="shift_one_at_a_time", condition=Q(until=None)),
            models.CheckConstraint(name="shift_has_time", condition=Q(until=None) | Q(until__gte=F("since"))),
        ]

    def __str__(self) -> str:
        return f"{self.officer} {self.since:%Y-%m-%d}"


class Track(models.Model):
    """轨迹: where an officer was at a moment of his shift. Kept by month, and thrown away after TRACK_DAYS."""

    pk = models.CompositePrimaryKey("shift_id", "at")
    shift = models.ForeignKey(Shift, models.CASCADE, related_name="track", db_index=False)
    at = models.DateTimeField()
    point = models.PointField(srid=SRID, spatial_index=False)
    accuracy_m = models.FloatField(null=True)

    class Meta:
        verbose_name = _("轨迹")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Beat(models.Model):
    """责任网格: cells given to inspectors. A layer of its own: re-drawing patrols touches no cell."""

    code = models.CharField(_("代码"), max_length=20, unique=True)
    name = models.CharField(_("名称"), max_length=60)
    cells = models.ManyToManyField(Cell, related_name="beats")
    officers = models.ManyToManyField(Officer, related_name="beats")

    class Meta:
        verbose_name = _("责任网格")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Road(models.Model):
    """道路: a line of the map that lies under everything. Nobody answers for it here."""

    district = models.CharField(max_length=16, help_text="of the city that it was loaded with")
    kind = models.CharField(max_length=24, help_text="as OpenStreetMap calls it")
    name = models.CharField(max_length=80, blank=True)
    shape = models.LineStringField(srid=SRID)
    attribution = models.CharField(max_length=200, blank=True, help_text="to be shown wherever the line is")

    class Meta:
        verbose_name = _("道路")

    def __str__(self) -> str:
        return self.name or self.kind


class Component(models.Model):
    """部件: a registered thing in the street, with who owns, keeps and oversees it.

    Its class is kept as codes: the taxonomy belongs to `cases`, and a code means nothing without its scheme.
    """

    class State(models.TextChoices):
        INTACT = "intact", _("完好")
        DAMAGED = "damaged", _("破损")
        MISSING = "missing", _("丢失")
        ABANDONED = "abandoned", _("废弃")

    code = models.CharField(_("代码"), max_length=20, unique=True)
    name = models.CharField(_("名称"), max_length=60)
    scheme = models.CharField(max_length=20)
    major = models.CharField(max_length=8)
    sub = models.CharField(max_length=8)
    shape = models.GeometryField(srid=SRID)
    cell = models.ForeignKey(Cell, models.PROTECT, related_name="components")
    owner = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    maintainer = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    supervisor = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.INTACT)
    surveyed_on = models.DateField(null=True, blank=True)
    synthetic = models.BooleanField(default=False, help_text="placed by a generator, not surveyed")
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("部件")
        ordering = ["code"]
        indexes = [models.Index(fields=["cell", "major", "sub"], name="component_in_cell", condition=Q(closed_on=None))]

    def __str__(self) -> str:
        return f"{self.name} {self.code}"


class Change(models.Model):
    """变更记录: a setting that somebody changed: what it was, and what it is. Only ever added."""

    at = models.DateTimeField()
    by = models.ForeignKey(Officer, models.PROTECT, null=True, related_name="+", db_index=False)
    what = models.CharField(max_length=60, help_text="the model's label: cases.duty")
    row = models.CharField(max_length=40, help_text="its primary key")
    name = models.CharField(max_length=200, help_text="what it was called then")
    before = models.JSONField(null=True, help_text="the fields that changed; null: it was not there")
    after = models.JSONField(null=True, help_text="the same fields; null: it is no more")

    class Meta:
        verbose_name = _("变更记录")
        indexes = [models.Index(fields=["what", "row", "-id"], name="change_of")]

    def __str__(self) -> str:
        return f"{self.what} {self.name}"


class Spending(models.Model):
    """How much of a kind one account, or one address, has done of late: see quota."""

    who = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    since = models.DateTimeField(help_text="when its present stretch began")
    lately = models.BigIntegerField(help_text="in that stretch")
    day = models.DateField()
    today = models.BigIntegerField(help_text="on that day")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["who", "kind"], name="one_spending")]

    def __str__(self) -> str:
        return f"{self.who} {self.kind}"
