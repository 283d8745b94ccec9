"""What can be wrong, when it counts as a case, and who answers (modelled on GB/T 30428.2 and .8)."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from grid.models import Area, Department

from ..clock import Unit


class Kind(models.TextChoices):
    COMPONENT = "component", _("部件")
    EVENT = "event", _("事件")


class Category(models.Model):
    """大类, 中类 or 小类. Only a sub-class has a `sub`, and only it is reported; only a middle has a `middle`.

    The parent of a sub-class is its middle, where it has one, or else its major; that of a middle is the major. The
    codes of sub-classes are unique in their major, so that major and sub name one whatever middle it is moved to.
    A code means nothing without its scheme: the same digits name other things in the older generation.
    """

    scheme = models.CharField(_("分类体系"), max_length=20)
    kind = models.CharField(_("类别"), max_length=10, choices=Kind)
    major = models.CharField(_("大类代码"), max_length=8)
    middle = models.CharField(_("中类代码"), max_length=8, blank=True)
    sub = models.CharField(_("小类代码"), max_length=8, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    urgent = models.BooleanField(_("紧急"), default=False)
    basis = models.CharField(max_length=20, blank=True, help_text="how sure the source is")
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("问题类别")
        ordering = ["scheme", "kind", "major", "middle", "sub"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "kind", "major", "middle", "sub"], name="category_code"),
            models.CheckConstraint(name="category_one_level", condition=models.Q(middle="") | models.Q(sub="")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """That of a sub-class is its major's and its own, whatever lies between them."""
        return f"{self.major}{self.middle}{self.sub}"

    @property
    def hyphened(self) -> str:
        """Its code as it is shown: 03-04."""
        return "-".join(filter(None, (self.major, self.middle, self.sub)))

    @property
    def lineage(self) -> list[Category]:
        """This class and those that hold it, the nearest first."""
        return [self, *(self.parent.lineage if self.parent else ())]


def in_class(pk: int, category: str = "category") -> models.Q:
    """What is of a class or of one that it holds; `category` is the way to the class of a row."""
    return models.Q(
        *((f"{category}{above}", pk) for above in ("", "__parent", "__parent__parent")), _connector=models.Q.OR
    )


class Condition(models.Model):
    """立案条件: when a sub-class counts as a case, its limit, and when it counts as closed.

    Never changed once used: a new text or limit is a new row with a later `valid_from`.
    """

    category = models.ForeignKey(Category, models.PROTECT, related_name="conditions")
    no = models.PositiveSmallIntegerField(_("序号"))
    region_class = models.CharField(_("区域分类"), max_length=8, blank=True, help_text="blank: any")
    text = models.TextField(_("立案条件"))
    text_en = models.TextField(blank=True)
    limit_value = models.DecimalField(_("时限"), max_digits=6, decimal_places=2)
    limit_unit = models.CharField(_("时限单位"), max_length=16, choices=Unit)
    closing = models.TextField(_("结案条件"), blank=True)
    closing_en = models.TextField(blank=True)
    guidance = models.TextField(_("采集要求"), blank=True)
    guidance_en = models.TextField(blank=True)
    original = models.CharField(max_length=60, blank=True, help_text="the limit as the city's document words it")
    basis = models.CharField(max_length=20, blank=True)
    valid_from = models.DateField(_("生效日期"))
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("立案条件")
        ordering = ["category", "no", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["category", "no", "region_class", "valid_from"], name="condition_once"),
            models.CheckConstraint(name="condition_limit_positive", condition=models.Q(limit_value__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.no}"


class Duty(models.Model):
    """责任清单: a class of any level, in an area or everywhere, is a department's."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="duties")
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, related_name="+")
    department = models.ForeignKey(Department, models.PROTECT, related_name="duties")

    class Meta:
        verbose_name = _("责任清单")
        constraints = [models.UniqueConstraint(fields=["category", "area"], name="duty_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.category} → {self.department}"
