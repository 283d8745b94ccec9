"""The forms of the settings, in the words of those who keep them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import handover
from cases import models as rules
from grid import models as grid
from grid.keeping import departments_below, kept_by
from grid.roles import DEPARTMENT, Role
from grid.words import named

from ..vocabulary import Day
from .fields import WEEKDAYS, Choices, Hours, Seasons

ANY = gettext_lazy("不限")
CHOOSE = gettext_lazy("请选择")
WHOLE = gettext_lazy("全市")
LABELS = {
    "name_en": gettext_lazy("英文名称"),
    "text_en": gettext_lazy("英文"),
    "closing_en": gettext_lazy("结案条件（英文）"),
    "guidance_en": gettext_lazy("采集要求（英文）"),
    "closed_on": gettext_lazy("停用日期"),
    "category": gettext_lazy("类别"),
    "area": gettext_lazy("区域"),
    "department": gettext_lazy("责任单位"),
    "parent": gettext_lazy("上级"),
    "heir": gettext_lazy("承接单位"),
    "line": gettext_lazy("业务线"),
    "workdays": gettext_lazy("工作日"),
    "day_s": gettext_lazy("一个工作日折合小时"),
    "seasons": gettext_lazy("作息时段"),
    "is_active": gettext_lazy("在用"),
    "username": gettext_lazy("登录名"),
    "password": gettext_lazy("密码"),
    "email": gettext_lazy("邮箱"),
    "cells": gettext_lazy("单元网格"),
    "officers": gettext_lazy("监督员"),
    "code": gettext_lazy("代码"),
}


class Setting(forms.ModelForm):  # type: ignore[type-arg]  # each form below names its model
    """A row of the settings. A category is chosen by code and name, an area and a department by theirs; what lies
    outside of the ground of `keeper`, the administrator at the form, is not offered and not taken."""

    required_css_class = "must"

    def __init__(self, *args: Any, keeper: grid.Officer | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.keeper = keeper
        for name, field in self.fields.items():
            if name in LABELS:
                field.label = LABELS[name]
            if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
                field.empty_label = CHOOSE if field.required else WHOLE if name == "area" else ANY
                field.label_from_instance = called  # type: ignore[method-assign, assignment]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = self.kept(choosable(field.queryset))
            field.help_text = HELP.get((self._meta.model, name), "")

    def kept(self, rows: Any) -> Any:
        """Those on the ground of who is at the form."""
        return kept_by(self.keeper, rows) if self.keeper else rows

    def many(self) -> dict[str, Any]:
        """What its many-to-many fields shall hold."""
        names = {field.name for field in self._meta.model._meta.many_to_many}
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


def called(row: Any) -> str:
    """A row by code and name."""
    if isinstance(row, rules.Category):
        return f"{row.get_kind_display()} {row.hyphened} {named(row)}"
    return f"{row.code} {named(row)}" if hasattr(row, "code") else str(row)


def choosable(rows: Any) -> Any:
    """Those in use: of the scheme in which people report, not closed, still working here."""
    if rows.model is rules.Category:
        return rows.filter(scheme=settings.CATEGORY_SCHEME, closed_on=None)
    if rows.model is grid.Officer:
        return rows.filter(is_active=True).order_by("username")
    return rows.filter(closed_on=None) if hasattr(rows.model, "closed_on") else rows


HELP: dict[tuple[Any, str], Any] = {
    (rules.Category, "urgent"): gettext_lazy("紧急类别走紧急的升级阶梯，夜间也提醒。"),
    (rules.Category, "closed_on"): gettext_lazy("从这一天起不能再上报；已有案卷不受影响。"),
    (rules.Condition, "valid_from"): gettext_lazy("已立案的案卷仍按当时的条件计时；从这一天起按新的。"),
    (rules.Condition, "region_class"): gettext_lazy("留空适用于所有区域；与单元网格的区域分类一致时优先。"),
    (rules.StageLimit, "urgent"): gettext_lazy("只用于紧急类别，优先于其他行。"),
    (rules.Rung, "share"): gettext_lazy("时限的几倍：0.8 为到期之前，1 为到期，2 为再过一个时限。"),
    (rules.Rung, "at_night"): gettext_lazy("是：免打扰时段也提醒；未知：按案卷的时钟昼夜计时与否。"),
    (rules.Timetable, "seasons"): gettext_lazy("每行一季：起始月-日，然后是各时段。例：05-01 08:00-12:00 14:30-18:30"),
    (rules.Timetable, "department"): gettext_lazy("留空是全市作息；单位没有自己的作息时用上级的。"),
    (rules.Policy, "area"): gettext_lazy("最近的区域优先，其次是写明来源的。"),
    (rules.Sampling, "share"): gettext_lazy("0 到 1，0.05 是每百件五件。最具体的一行生效：先看类别，再看区域、来源。"),
    (rules.Sampling, "days"): gettext_lazy("结案之后多少天以内派人，过后不再派。"),
    (rules.Sampling, "value"): gettext_lazy("抽中的监督员有多少时间。"),
    (rules.Scheme, "code"): gettext_lazy("英文字母、数字、短横线；以后不能改。"),
    (rules.Scheme, "kind"): gettext_lazy("以后不能改；换对象请写新的方案。"),
    (rules.Scheme, "basis"): gettext_lazy("按发生日：事情发生在哪天就算哪天；按上报日：跟着案卷上报的那天。"),
    (rules.Scheme, "valid_from"): gettext_lazy("最后一天不早于它的周期按这一版评分；已发布的不变。"),
    (rules.Opinion, "verb"): gettext_lazy("留空适用于所有操作。"),
    (grid.Department, "heir"): gettext_lazy(
        "停用时由谁接手：在办案卷、责任清单、部件和人员都转给它；过去的仍记在原单位名下。"
    ),
    (grid.Officer, "area"): gettext_lazy("中心岗位可以查看的辖区。"),
    (grid.Officer, "is_active"): gettext_lazy("离职请停用：姓名留在案卷上，登录随即失效。"),
    (grid.Beat, "cells"): gettext_lazy("在地图上点选，或在这里每行写一个单元网格代码。"),
}


class CategoryForm(Setting):
    class Meta:
        model = rules.Category
        fields = ("name", "name_en", "urgent", "closed_on")
        field_classes = {"closed_on": Day}


class ConditionForm(Setting):
    """A condition is never changed: what is said here begins to hold on a day."""

    class Meta:
        model = rules.Condition
        fields = (
            "category",
            "no",
            "region_class",
            "text",
            "text_en",
            "limit_value",
            "limit_unit",
            "closing",
            "closing_en",
            "guidance",
            "guidance_en",
            "valid_from",
            "closed_on",
        )
        field_classes = {"valid_from": Day, "closed_on": Day}


class DutyForm(Setting):
    class Meta:
        model = rules.Duty
        fields = ("category", "area", "department")


class PolicyForm(Setting):
    class Meta:
        model = rules.Policy
        fields = ("verb", "source", "area", "automatic", "note")


class StageLimitForm(Setting):
    class Meta:
        model = rules.StageLimit
        fields = ("stage", "source", "urgent", "value", "unit")


class RungForm(Setting):
    class Meta:
        model = rules.Rung
        fields = ("level", "share", "role", "category", "urgent", "department", "at_night")


class HearingForm(Setting):
    channels = Choices(rules.Hearing.Channel.choices, required=False, label=gettext_lazy("渠道"))

    class Meta:
        model = rules.Hearing
        fields = ("verb", "entered", "who", "urgent", "channels")


class TermsForm(Setting):
    class Meta:
        model = rules.Terms
        fields = ("verb", "at_most", "within_value", "within_unit", "when_late", "longest_days")


class GroundForm(Setting):
    class Meta:
        model = rules.Ground
        fields = ("verb", "code", "name", "name_en")


class LikenessForm(Setting):
    class Meta:
        model = rules.Likeness
        fields = ("category", "metres", "days", "by_major")


class SamplingForm(Setting):
    class Meta:
        model = rules.Sampling
        fields = ("source", "area", "category", "share", "days", "value", "unit")


class OpinionForm(Setting):
    class Meta:
        model = rules.Opinion
        fields = ("verb", "text", "place")


class TimetableForm(Setting):
    workdays = Choices(WEEKDAYS, coerce=int)
    day_s = Hours(min_value=0, max_value=24, max_digits=5, decimal_places=2)
    seasons = Seasons()

    class Meta:
        model = rules.Timetable
        fields = ("name", "department", "workdays", "day_s", "seasons")


class HolidayForm(Setting):
    class Meta:
        model = rules.Holiday
        fields = ("day", "off", "name", "statutory")
        field_classes = {"day": Day}


class SchemeForm(Setting):
    """A version of a scheme. Its code and whom it judges are said once, with the first."""

    class Meta:
        model = rules.Scheme
        fields = ("code", "kind", "name", "name_en", "basis", "valid_from")
        field_classes = {"valid_from": Day, "code": forms.SlugField}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in ("code", "kind") if self.instance.code else ():
            self.fields[name].disabled = True

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not self.fields["code"].disabled and rules.Scheme.objects.filter(code=code).exists():
            raise ValidationError(_("已有这个代码的方案，请在它的页面上写新的一版。"))
        return code

    def clean_valid_from(self) -> date:
        day: date = self.cleaned_data["valid_from"]
        if not 2000 <= day.year <= 2100:
            raise ValidationError(_("请写 2000 年至 2100 年之间的日期。"))
        return day


class DepartmentForm(Setting):
    class Meta:
        model = grid.Department
        fields = ("code", "name", "name_en", "parent", "area", "line", "closed_on", "heir")
        field_classes = {"closed_on": Day}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        heir, pk = said.get("heir"), self.instance.pk
        if heir and not said.get("closed_on"):
            raise ValidationError({"heir": _("只有停用的单位才有承接单位：请写停用日期，或不选承接单位。")})
        if heir and pk and heir.pk in departments_below(pk):
            raise ValidationError({"heir": _("承接单位不能是它自己或它的下级：请先把承接单位移到别的上级之下。")})
        if said.get("closed_on") and not heir and pk and (owed := handover.owed([pk])):
            sentence = _("还有%(owed)s：请选择承接单位。")
            raise ValidationError({"heir": sentence % {"owed": owed[pk]}})
        return said


class OfficerForm(Setting):
    roles = Choices(Role.choices, label=gettext_lazy("岗位"))
    language = forms.ChoiceField(
        choices=[("", gettext_lazy("随手机")), *settings.LANGUAGES], required=False, label=gettext_lazy("语言")
    )

    class Meta:
        model = grid.Officer
        fields = ("username", "name", "roles", "department", "area", "phone", "email", "language", "is_active")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if set(said.get("roles", ())) & {role.value for role in DEPARTMENT} and not said.get("department"):
            raise ValidationError({"department": _("处置员和部门负责人须属于一个责任单位。")})
        return said


class BeatForm(Setting):
    cells = forms.CharField(widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}), required=False)

    class Meta:
        model = grid.Beat
        fields = ("code", "name", "officers")
        widgets = {"officers": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        officers: Any = self.fields["officers"]
        officers.queryset = officers.queryset.filter(roles__contains=[Role.INSPECTOR.value])
        officers.required = False
        if self.instance.pk:
            self.initial["cells"] = "\n".join(self.instance.cells.values_list("code", flat=True))

    def clean_cells(self) -> list[grid.Cell]:
        codes = list(dict.fromkeys(self.cleaned_data["cells"].split()))
        cells = self.kept(grid.Cell.objects.current())
        found = {cell.code: cell for cell in cells.filter(code__in=codes).defer("shape")}
        if strange := [code for code in codes if code not in found]:
            raise ValidationError(_("没有这些单元网格：%(codes)s") % {"codes": " ".join(strange[:5])})
        return [found[code] for code in codes]

    def many(self) -> dict[str, Any]:
        return super().many() | {"cells": self.cleaned_data["cells"]}
