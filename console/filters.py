"""The filters of a list. They live in the URL: a list can be kept, sent to somebody, and gone back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cases import departments
from cases.flow import Source, Stage
from cases.forecast import midnight
from cases.models import Category
from cases.rulebook import Rulebook
from grid import levels
from grid.models import Officer
from grid.vocabulary import whole
from grid.words import named

from . import finding
from .vocabulary import Day

ANY = ("", _("全部"))
YES_NO = (ANY, ("1", _("是")), ("0", _("否")))
SORTS = (("due", _("先到期的在前")), ("new", _("新上报的在前")))
INDENT = "　"
FINDS = {
    "type": "search",
    "autocomplete": "off",
    "data-find": True,
    "aria-controls": "found",
    "hx-trigger": "input changed delay:250ms",
    "hx-target": "#found",
    "hx-sync": "this:replace",
    "hx-include": "closest form",
}
Choices = list[tuple[Any, Any]]


def _said(value: str) -> bool | None:
    return {"1": True, "0": False}.get(value)


def _yes_no(label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, required=False, choices=YES_NO, coerce=_said, empty_value=None)


class Filters(forms.Form):
    """Which cases, in which order. What is not said matches all."""

    q = forms.CharField(label=_("查找"), required=False, max_length=60, strip=True)
    stage = forms.ChoiceField(label=_("环节"), required=False)
    open = _yes_no(_("未结"))
    area = forms.ChoiceField(label=_("区域"), required=False)
    category = forms.ChoiceField(label=_("类别"), required=False)
    department = forms.ChoiceField(label=_("责任单位"), required=False)
    source = forms.ChoiceField(label=_("来源"), required=False)
    late = forms.TypedChoiceField(label=_("已超时"), required=False, choices=YES_NO, coerce=_said, empty_value=None)
    at_risk = forms.TypedChoiceField(
        label=_("可能超时"), required=False, choices=YES_NO, coerce=_said, empty_value=None
    )
    asks = forms.TypedChoiceField(label=_("有申请"), required=False, choices=YES_NO, coerce=_said, empty_value=None)
    level = forms.IntegerField(label=_("升级级别"), required=False, min_value=0, max_value=9)
    cell = forms.CharField(label=_("单元网格"), required=False, max_length=20, strip=True)
    officer = forms.TypedChoiceField(label=_("上报人或承办人"), required=False, coerce=int, empty_value=None)
    since = Day(label=_("上报自"), required=False)
    until = Day(label=_("上报至"), required=False)
    sort = forms.ChoiceField(label=_("排序"), required=False, choices=SORTS)

    def __init__(self, said: Mapping[str, Any], book: Rulebook, by: Officer):
        super().__init__(said, prefix=None, label_suffix="", use_required_attribute=False)
        choices: dict[str, Choices] = {
            "stage": [ANY, *Stage.choices],
            "source": [ANY, *Source.choices],
            "area": [ANY, *_areas(book)],
            "category": [ANY, *_categories(book)],
            "department": [ANY, ("0", _("尚未派遣")), *_departments(book, by)],
            "officer": [ANY, *_one_officer(by, said.get("officer", ""))],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["class"] = "in"
        self.fields["q"].widget.attrs |= FINDS | {"hx-get": reverse("console:find")}
        if not said.get("officer"):  # chosen by name, in the box
            del self.fields["officer"]

    @property
    def terms(self) -> dict[str, Any]:
        """For CaseQuerySet.matching. What is wrong is left out, and told beside its field."""
        self.full_clean()
        terms = {name: said for name, said in self.cleaned_data.items() if said not in (None, "") and name != "sort"}
        if "stage" in terms:
            terms["stage"] = [terms["stage"]]
        for name, later in (("since", 0), ("until", 1)):
            if isinstance(day := terms.get(name), date):
                terms[name] = midnight(day + timedelta(days=later))
        return terms

    @property
    def order(self) -> str:
        self.full_clean()
        return self.cleaned_data.get("sort") or "due"

    @property
    def more(self) -> bool:
        """Whether a filter beyond the first row is set, so that it is not hidden."""
        names = ("source", "at_risk", "asks", "level", "cell", "officer", "since", "until")
        return any(self.data.get(name) for name in names)


def _one_officer(by: Officer, said: str) -> Iterator[tuple[str, str]]:
    """The officer that is chosen, if he may be named to whoever looks."""
    if pk := whole(said):
        yield from ((str(one.pk), str(one)) for one in finding.people(by).filter(pk=pk))


def _areas(book: Rulebook) -> Iterator[tuple[str, str]]:
    for area in sorted(book.areas.values(), key=lambda area: area.code):
        if area.closed_on is None:
            yield area.code, INDENT * levels.depth(area.code) + named(area)


def _categories(book: Rulebook) -> Choices:
    """The majors, each with what it holds: sub-classes, and those of a middle behind it."""
    rows = [row for row in book.categories.values() if row.scheme == settings.CATEGORY_SCHEME and not row.closed_on]
    below: dict[int | None, list[Category]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)

    def held(row: Category, depth: int) -> Iterator[tuple[str, str]]:
        yield str(row.pk), f"{INDENT * depth}{named(row)}" + (f" · {_('全部')}" if not row.sub else "")
        for other in below.get(row.pk, ()):
            yield from held(other, depth + bool(row.middle))

    return [(f"{major.get_kind_display()} · {named(major)}", [*held(major, 0)]) for major in below.get(None, ())]


def _departments(book: Rulebook, by: Officer) -> Iterator[tuple[str, str]]:
    for row in departments.of_looker(book, by):
        yield str(row.pk), named(row)
