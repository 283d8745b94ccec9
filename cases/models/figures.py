"""What is counted from the log. Neither table is the truth: both are recounted.

A count that is nought is not stored (NULL): most of a row's counts are, and they cost nothing so.
"""

from __future__ import annotations

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from ..flow import Source
from ..metrics import CODES


class Basis(models.TextChoices):
    """Which day a fact belongs to (统计口径)."""

    FLOW = "flow", _("按发生日")
    COHORT = "cohort", _("按上报日")


class Counts(models.Model):
    """A column for each metric, each an integer."""

    class Meta:
        abstract = True


for _code in CODES:
    Counts.add_to_class(_code, models.PositiveIntegerField(null=True))


class Tally(Counts):
    """统计: what happened in a cell on a local day, by department, officer, class and source.

    One cell's day in one basis is the unit that is recounted. 0: no department, no officer.
    """

    pk = models.CompositePrimaryKey("cell", "day", "basis", "department", "officer", "category", "source")
    cell = models.BigIntegerField()
    day = models.DateField()
    basis = models.CharField(max_length=6, choices=Basis)
    department = models.BigIntegerField(default=0)
    officer = models.BigIntegerField(default=0)
    category = models.BigIntegerField()
    source = models.CharField(max_length=12, choices=Source)

    KEY = ("cell", "day", "basis", "department", "officer", "category", "source")

    class Meta:
        verbose_name = _("统计")
        indexes = [
            models.Index(fields=["department", "basis", "day"], name="tally_department"),
            models.Index(fields=["officer", "basis", "day"], name="tally_officer"),
            models.Index(fields=["category", "basis", "day"], name="tally_category"),
            models.Index(fields=["day"], name="tally_of_days"),  # all that happened on a ground
            # The count of the unclosed ends with the case, whatever its day.
            models.Index(fields=["cell", "day"], name="tally_unclosed", condition=models.Q(unclosed__gt=0)),
        ]


class Total(Counts):
    """合计: the tallies of one subject on a local day. What a board reads.

    An area's holds all cells below it; a department's is its own, without those below it. Subject 0 of departments
    and officers is what nobody of them did.
    """

    class Kind(models.TextChoices):
        AREA = "area", _("区域")
        CELL = "cell", _("单元网格")
        DEPARTMENT = "department", _("责任单位")
        OFFICER = "officer", _("人员")
        CATEGORY = "category", _("问题类别")

    pk = models.CompositePrimaryKey("kind", "subject", "basis", "day")
    kind = models.CharField(max_length=10, choices=Kind)
    subject = models.BigIntegerField(help_text="primary key of the area, cell, department …")
    basis = models.CharField(max_length=6, choices=Basis)
    day = models.DateField()

    KEY = ("kind", "subject", "basis", "day")

    class Meta:
        verbose_name = _("合计")
        # The key serves a subject's past; this serves all subjects of some days, as a map of cells asks.
        indexes = [models.Index(fields=["kind", "basis", "day"], name="total_of_days")]
