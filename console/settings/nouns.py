"""Which settings there are: each a noun with its rows, its form, and what of a row a list shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import models as rules
from cases.reasons import limit
from grid import models as grid
from grid.moment import today
from grid.roles import Role
from grid.words import named, phrased

from . import forms

Cell = Callable[[Any], Any]


@dataclass(frozen=True)
class Noun:
    """A kind of setting. `columns` are shown in its list, the first of them leads to the row; `search` are the fields
    that its search looks in, `narrow` those by which a list is narrowed."""

    slug: str
    label: Any
    intro: Promise
    form: type[forms.Setting]
    columns: Mapping[Any, Cell]
    search: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    addable: bool = True
    removable: bool = True
    edited: bool = True  # else a row is followed by another, and has pages of its own

    @property
    def model(self) -> type[Model]:
        model: type[Model] = self.form._meta.model
        return model

    def rows(self) -> QuerySet[Any]:
        """All rows, in the order of their list."""
        rows = self.model._default_manager.select_related(*self.related)
        if self.model is rules.Category:
            return rows.filter(scheme=settings.CATEGORY_SCHEME)
        if self.model is rules.Condition:
            return rows.filter(category__scheme=settings.CATEGORY_SCHEME).order_by(
                "category__kind", "category__major", "category__sub", "no", "valid_from"
            )
        if self.model is grid.Officer:
            return rows.order_by("-is_active", "username")
        if self.model is rules.Scheme:
            later = rules.Scheme.objects.filter(code=OuterRef("code"), version__gt=OuterRef("version"))
            rows = rows.annotate(followed=Exists(later.filter(valid_from__lte=today())))
        return (
            rows if rows.query.order_by or self.model._meta.ordering else rows.order_by(*ORDER.get(self.slug, ("pk",)))
        )


ORDER: Mapping[str, tuple[str, ...]] = {
    "duties": ("category__kind", "category__major", "category__sub", "area__code"),
    "policies": ("verb", "area__code", "source"),
    "samplings": ("category__kind", "category__major", "category__sub", "area__code", "source"),
    "limits": ("stage", "-urgent", "source"),
    "hearings": ("verb", "entered", "who"),
    "similar": ("category__kind", "category__major", "category__sub"),
    "timetables": ("department__code",),
}


def _class(row: Any) -> str:
    category = row.category if hasattr(row, "category_id") else row
    return f"{category.hyphened} {named(category)}" if category else _("所有类别")


def _class_in_middle(row: Any) -> str:
    above = f" · {named(row.parent)}" if row.parent and row.parent.middle else ""
    return f"{_class(row)}{above}"


def _place(row: Any) -> str:
    return named(row.area) if row.area else _("全市")


def _department(row: Any) -> str:
    return named(row.department) if row.department else "–"


def _shown(field: str, none: Any = "–") -> Cell:
    return lambda row: getattr(row, f"get_{field}_display")() if getattr(row, field) else str(none)


def _yes(field: str) -> Cell:
    return lambda row: {True: _("是"), False: _("否"), None: "–"}[getattr(row, field)]


def _text(field: str) -> Cell:
    return lambda row: getattr(row, field) if getattr(row, field) not in (None, "") else "–"


def standing(row: Any) -> str:
    """Whether a version of a scheme holds today. The row comes from `Noun.rows`."""
    return _("未开始") if row.valid_from > today() else _("已被替代") if row.followed else _("生效中")


def masked(phone: str) -> str:
    """A telephone number with its middle hidden: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 else "****" if phone else ""


NOUNS = (
    Noun(
        "categories",
        gettext_lazy("问题类别"),
        gettext_lazy("可以上报的大类与小类。代码属于分类体系，不能改；停用的小类不再出现在上报里。"),
        forms.CategoryForm,
        {
            gettext_lazy("类别"): _class_in_middle,
            gettext_lazy("部件或事件"): _shown("kind"),
            gettext_lazy("紧急"): _yes("urgent"),
            gettext_lazy("停用日期"): _text("closed_on"),
        },
        search=("name", "name_en", "major", "middle", "sub"),
        related=("parent",),
        addable=False,
        removable=False,
    ),
    Noun(
        "conditions",
        gettext_lazy("立案条件"),
        gettext_lazy("什么算一个案卷、多久办完。改动会成为一行新的，从生效日期起用；旧的留给旧案卷。"),
        forms.ConditionForm,
        {
            gettext_lazy("类别"): lambda row: f"{_class(row)} · {row.no}",
            gettext_lazy("立案条件"): lambda row: phrased(row, "text"),
            gettext_lazy("时限"): lambda row: limit(row.limit_value, row.limit_unit),
            gettext_lazy("区域分类"): _text("region_class"),
            gettext_lazy("生效日期"): _text("valid_from"),
            gettext_lazy("停用日期"): _text("closed_on"),
        },
        search=("category__name", "category__name_en", "text", "text_en"),
        related=("category",),
        removable=False,
    ),
    Noun(
        "duties",
        gettext_lazy("责任清单"),
        gettext_lazy("哪一类问题在哪里归哪个单位。保存之前可以用上月的案卷试算。"),
        forms.DutyForm,
        {
            gettext_lazy("类别"): _class,
            gettext_lazy("区域"): _place,
            gettext_lazy("责任单位"): _department,
        },
        search=("category__name", "department__name", "area__name"),
        related=("category", "area", "department"),
    ),
    Noun(
        "policies",
        gettext_lazy("自动流转"),
        gettext_lazy("系统自己做哪一步。没有规则的一步留给人。"),
        forms.PolicyForm,
        {
            gettext_lazy("操作"): _shown("verb"),
            gettext_lazy("问题来源"): _shown("source", gettext_lazy("所有来源")),
            gettext_lazy("区域"): _place,
            gettext_lazy("自动"): _yes("automatic"),
            gettext_lazy("说明"): _text("note"),
        },
        related=("area",),
    ),
    Noun(
        "limits",
        gettext_lazy("环节时限"),
        gettext_lazy("立案、派遣、核查等环节各有多少时间。处置的时限在立案条件里。"),
        forms.StageLimitForm,
        {
            gettext_lazy("环节"): _shown("stage"),
            gettext_lazy("问题来源"): _shown("source", gettext_lazy("所有来源")),
            gettext_lazy("紧急"): _yes("urgent"),
            gettext_lazy("时限"): lambda row: limit(row.value, row.unit),
        },
    ),
    Noun(
        "ladders",
        gettext_lazy("升级阶梯"),
        gettext_lazy("时限用到几成时提醒谁。写明类别、紧急或单位的一套，整套代替通用的。"),
        forms.RungForm,
        {
            gettext_lazy("阶梯"): lambda row: f"{row.ladder()} · {row.level}",
            gettext_lazy("时限比例"): lambda row: f"{row.share:.0%}",
            gettext_lazy("知会岗位"): _shown("role"),
            gettext_lazy("不分昼夜"): _yes("at_night"),
        },
        related=("category", "department"),
    ),
    Noun(
        "hearings",
        gettext_lazy("知会规则"),
        gettext_lazy("一步操作之后谁会收到消息，除收件箱之外还走哪些渠道。"),
        forms.HearingForm,
        {
            gettext_lazy("操作"): _shown("verb", gettext_lazy("进入新环节")),
            gettext_lazy("环节"): _shown("entered", gettext_lazy("任何环节")),
            gettext_lazy("知会对象"): _shown("who"),
            gettext_lazy("紧急"): _yes("urgent"),
            gettext_lazy("渠道"): lambda row: (
                _("、").join(str(rules.Hearing.Channel(channel).label) for channel in row.channels) or _("只进收件箱")
            ),
        },
    ),
    Noun(
        "terms",
        gettext_lazy("申请规则"),
        gettext_lazy("回退、延期、挂账、重启、申诉各可以办几次、何时之前办。"),
        forms.TermsForm,
        {
            gettext_lazy("操作"): _shown("verb"),
            gettext_lazy("每案次数"): _text("at_most"),
            gettext_lazy("期限"): lambda row: limit(row.within_value, row.within_unit) if row.within_value else "–",
            gettext_lazy("超期可办"): _yes("when_late"),
            gettext_lazy("最长天数"): _text("longest_days"),
        },
    ),
    Noun(
        "grounds",
        gettext_lazy("理由"),
        gettext_lazy("申请时从中选择，便于统计。"),
        forms.GroundForm,
        {
            gettext_lazy("理由"): named,
            gettext_lazy("操作"): _shown("verb"),
            gettext_lazy("代码"): _text("code"),
        },
    ),
    Noun(
        "similar",
        gettext_lazy("相似规则"),
        gettext_lazy("多近、多久之内的同类案卷算相似，提示受理员并案。"),
        forms.LikenessForm,
        {
            gettext_lazy("类别"): _class,
            gettext_lazy("米"): _text("metres"),
            gettext_lazy("天"): _text("days"),
            gettext_lazy("按大类"): _yes("by_major"),
        },
        related=("category",),
    ),
    Noun(
        "samplings",
        gettext_lazy("复查抽样"),
        gettext_lazy("结案之后随机抽多少案卷，另派监督员再看一次。没有一行就不复查。"),
        forms.SamplingForm,
        {
            gettext_lazy("类别"): _class,
            gettext_lazy("区域"): _place,
            gettext_lazy("问题来源"): _shown("source", gettext_lazy("所有来源")),
            gettext_lazy("比例"): lambda row: f"{row.share:.1%}",
            gettext_lazy("时限"): lambda row: limit(row.value, row.unit),
        },
        related=("area", "category"),
    ),
    Noun(
        "opinions",
        gettext_lazy("常用意见"),
        gettext_lazy("办理时可以直接选用的句子。"),
        forms.OpinionForm,
        {
            gettext_lazy("意见"): _text("text"),
            gettext_lazy("操作"): _shown("verb", gettext_lazy("所有操作")),
            gettext_lazy("次序"): lambda row: row.place,
        },
        search=("text",),
    ),
    Noun(
        "timetables",
        gettext_lazy("作息"),
        gettext_lazy("工作时限只在作息之内走。"),
        forms.TimetableForm,
        {
            gettext_lazy("名称"): _text("name"),
            gettext_lazy("责任单位"): lambda row: _department(row) if row.department else _("全市"),
        },
        related=("department",),
    ),
    Noun(
        "holidays",
        gettext_lazy("节假日与调休"),
        gettext_lazy("某年的国庆节登记之后，该年的时限才算确定。"),
        forms.HolidayForm,
        {
            gettext_lazy("日期"): _text("day"),
            gettext_lazy("名称"): _text("name"),
            gettext_lazy("休息"): lambda row: _("休息") if row.off else _("上班"),
        },
        search=("name",),
    ),
    Noun(
        "schemes",
        gettext_lazy("评分方案"),
        gettext_lazy("按哪些指标、权重、分档和等级评分。改动是新的一版，从生效日期起用；发布过的周期不变。"),
        forms.SchemeForm,
        {
            gettext_lazy("名称"): named,
            gettext_lazy("版本"): lambda row: _("第 %(n)d 版") % {"n": row.version},
            gettext_lazy("评价对象"): _shown("kind"),
            gettext_lazy("统计口径"): _shown("basis"),
            gettext_lazy("生效日期"): _text("valid_from"),
            gettext_lazy("状态"): standing,
        },
        search=("name", "name_en", "code"),
        removable=False,
        edited=False,
    ),
    Noun(
        "departments",
        gettext_lazy("责任单位"),
        gettext_lazy("单位是一棵树；只负责一个区域的单位写明该区域。"),
        forms.DepartmentForm,
        {
            gettext_lazy("名称"): named,
            gettext_lazy("代码"): _text("code"),
            gettext_lazy("上级"): lambda row: named(row.parent) if row.parent else "–",
            gettext_lazy("停用日期"): _text("closed_on"),
        },
        search=("name", "name_en", "code"),
        related=("parent",),
        removable=False,
    ),
    Noun(
        "officers",
        gettext_lazy("人员"),
        gettext_lazy("登录名、岗位、单位和辖区。离职停用，不删除。"),
        forms.OfficerForm,
        {
            gettext_lazy("姓名"): lambda row: row.name or row.username,
            gettext_lazy("登录名"): _text("username"),
            gettext_lazy("岗位"): lambda row: _("、").join(str(Role(role).label) for role in row.roles),
            gettext_lazy("责任单位"): _department,
            gettext_lazy("电话"): lambda row: masked(row.phone) or "–",
            gettext_lazy("在用"): _yes("is_active"),
        },
        search=("username", "name", "department__name"),
        related=("department",),
        removable=False,
    ),
    Noun(
        "beats",
        gettext_lazy("责任网格"),
        gettext_lazy("哪些单元网格归哪些监督员。改动只影响以后的巡查，不影响网格本身。"),
        forms.BeatForm,
        {
            gettext_lazy("名称"): lambda row: row.name,
            gettext_lazy("代码"): lambda row: row.code,
            gettext_lazy("单元网格"): lambda row: row.cells.count(),
            gettext_lazy("监督员"): lambda row: _("、").join(map(str, row.officers.all())) or "–",
        },
        search=("code", "name", "officers__name"),
    ),
)

BY_SLUG: Mapping[str, Noun] = {noun.slug: noun for noun in NOUNS}
BY_MODEL: Mapping[str, Noun] = {noun.model._meta.label_lower: noun for noun in NOUNS}

GROUPS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (gettext_lazy("分类与立案"), ("categories", "conditions", "similar")),
    (gettext_lazy("责任与流转"), ("duties", "policies", "terms", "grounds", "samplings", "opinions")),
    (gettext_lazy("时间"), ("limits", "timetables", "holidays")),
    (gettext_lazy("升级与消息"), ("ladders", "hearings")),
    (gettext_lazy("考核"), ("schemes",)),
    (gettext_lazy("人员与网格"), ("departments", "officers", "beats")),
)
