"""What a trial is asked for with, and what came of it, as pages show both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy

from cases import evaluation, looking, periods, whatif
from cases.clock import Unit
from cases.evaluation import Standing
from cases.models import Category, Condition, Indicator, Publication, Result, Scheme, Trial
from cases.periods import Period, Span
from grid.models import Area, Department, Officer
from grid.moment import today
from grid.vocabulary import COUNT_MOST, whole
from grid.words import named

from .ranking import coloured
from .rows import Row, rows
from .settings.forms import called, choosable
from .vocabulary import Day

FOUND = 20  # conditions that a search shows
FAILURES = {"broken": gettext_lazy("系统出错，已记录；请再试一次，仍不行请告诉管理员。")}
CHANGED = gettext_lazy("其中的立案条件、类别或单位已不存在，请以此为起点改好再试。")


class TrialForm(forms.Form):
    """By which scheme, and over which period."""

    scheme = forms.ChoiceField(label=gettext_lazy("评分方案"))
    span = forms.ChoiceField(label=gettext_lazy("周期"), choices=Span.choices)
    day = Day(label=gettext_lazy("其中的一天"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        last = {row.code: row for row in Scheme.objects.order_by("version") if whatif.fits(row)}
        order = list(Scheme.Kind.values)
        chosen = sorted(last.values(), key=lambda row: (-order.index(row.kind), row.code))
        field = self.fields["scheme"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(row.code, named(row)) for row in chosen]

    @property
    def period(self) -> Period:
        """Only of a form that is valid."""
        return periods.of(self.cleaned_data["span"], self.cleaned_data["day"])

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not 2000 <= day.year <= 2100:
            raise forms.ValidationError(gettext_lazy("没有这一天的数据。"))
        return day


class LimitRow(Row):
    """A condition's limit as it might be."""

    condition = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=COUNT_MOST)
    value = forms.DecimalField(
        label=gettext_lazy("试用时限"),
        min_value=0.01,
        max_value=9999,
        max_digits=6,
        decimal_places=2,
    )
    unit = forms.ChoiceField(label=gettext_lazy("单位"), choices=Unit.choices)


class DutyRow(Row):
    """A duty as it might be."""

    category = forms.ModelChoiceField(Category.objects, label=gettext_lazy("类别"))
    area = forms.ModelChoiceField(Area.objects.defer("shape"), label=gettext_lazy("区域"), required=False)
    department = forms.ModelChoiceField(Department.objects, label=gettext_lazy("改由谁负责"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = choosable(field.queryset)

    @classmethod
    def lists(cls) -> Mapping[str, Any]:
        found = {}
        for name, field in cls.base_fields.items():
            assert isinstance(field, forms.ModelChoiceField)
            every: Any = field.queryset
            none = gettext_lazy("全市") if name == "area" else gettext_lazy("请选择")
            found[name] = [("", none), *((row.pk, called(row)) for row in choosable(every.all()))]
        return found


Limits = rows(LimitRow, once=("condition",))
Duties = rows(DutyRow, once=("category", "area"))


def wanted(limits: Sequence[Mapping[str, Any]], duties: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What valid rows say, as a trial keeps it."""
    return {
        "limits": [{**row, "value": str(row["value"])} for row in limits],
        "duties": [
            {
                "category": row["category"].pk,
                "area": row["area"].code if row["area"] else "",
                "department": row["department"].pk,
            }
            for row in duties
        ],
    }


def again(trial: Trial) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """A trial as the beginning of another: its form, its limits, its duties."""
    whole = (trial.since, trial.until)
    span = next((span for span in Span if span_of(span, trial.since) == whole), Span.MONTH)
    areas = dict(Area.objects.values_list("code", "pk"))
    duties = [{**row, "area": areas.get(row.get("area", ""), "")} for row in trial.said.get("duties", ())]
    form = {"scheme": trial.scheme.code, "span": span, "day": trial.since}
    return form, list(trial.said.get("limits", ())), duties


def span_of(span: str, day: date) -> tuple[date, date]:
    period = periods.of(span, day)
    return period.since, period.until


def find(q: str, period: Period) -> list[Condition]:
    """The conditions that held in a period, by words of their class, by its code or by their text; one more than
    FOUND where there are more."""
    held = Condition.objects.filter(category__scheme=settings.CATEGORY_SCHEME, valid_from__lte=period.until)
    held = held.filter(Q(closed_on=None) | Q(closed_on__gt=period.since))
    for word in q.split():
        told = Q()
        for way in ("category", "category__parent", "category__parent__parent"):
            told |= Q((f"{way}__name__icontains", word)) | Q((f"{way}__name_en__icontains", word))
        told |= Q(text__icontains=word) | Q(text_en__icontains=word) | _coded(word)
        held = held.filter(told)
    order = ("category__kind", "category__major", "category__sub", "no", "-valid_from")
    return list(held.select_related("category").order_by(*order)[: FOUND + 1])


def _coded(word: str) -> Q:
    """The class of a code: 0304, or 03-04."""
    plain = word.replace("-", "")
    return (
        Q(category__major=plain[:2], category__sub=plain[2:]) if plain.isdecimal() and len(plain) == 4 else Q(pk=None)
    )


def conditions(limits: Sequence[Mapping[str, Any]]) -> dict[str, Condition]:
    """The conditions that rows name, by key as text."""
    keys = [pk for row in limits if (pk := whole(str(row.get("condition", "")), most=COUNT_MOST))]
    found = Condition.objects.select_related("category").in_bulk(keys)
    return {str(pk): row for pk, row in found.items()}


@dataclass(frozen=True)
class Tried:
    """What a trial changed, in rows: what holds today, and what was tried."""

    limits: list[tuple[Condition | None, str, str]]
    duties: list[tuple[Category | None, Area | None, Department | None]]


def tried(trial: Trial) -> Tried:
    """In the words of those who read it; None for what is no longer there."""
    limits, duties = trial.said.get("limits", ()), trial.said.get("duties", ())
    known = conditions(limits)
    categories = Category.objects.in_bulk([row["category"] for row in duties])
    areas = {row.code: row for row in Area.objects.filter(code__in=[row.get("area") for row in duties]).defer("shape")}
    departments = Department.objects.in_bulk([row["department"] for row in duties])
    return Tried(
        [(known.get(str(row["condition"])), row["value"], row["unit"]) for row in limits],
        [
            (categories.get(row["category"]), areas.get(row.get("area", "")), departments.get(row["department"]))
            for row in duties
        ],
    )


def failure(trial: Trial) -> str:
    """Why nothing came of it, and what to do."""
    return str(FAILURES.get(trial.failed, CHANGED)) if trial.failed else ""


# What came of it


@dataclass(frozen=True)
class Line:
    """A subject as it is and as it would be, and as it was published."""

    now: Standing
    then: Standing
    published: Result | None = None

    @property
    def change(self) -> Fraction | None:
        before, after = self.now.score.points, self.then.score.points
        return None if before is None or after is None else after - before

    @property
    def moved(self) -> bool:
        """Whether anything that a page shows of it is different."""
        return self.now.score != self.then.score or self.now.rank != self.then.rank or self._handled()

    def _handled(self) -> bool:
        return any(self.now.figures[code] != self.then.figures[code] for code in whatif.MOVED)

    def values(self, code: str) -> tuple[Fraction | None, Fraction | None]:
        """An indicator as it is and as it would be."""
        return self.now.score.value(code), self.then.score.value(code)


@dataclass(frozen=True)
class Beside:
    """Standings side by side. `heads` are the items of the scheme that differ; `untouched`: no item can."""

    lines: Sequence[Line]
    heads: Sequence[Indicator]
    published: Publication | None
    colours: Mapping[str, str]  # of the grades that were published
    moved: int
    ranks: int
    grades: int
    untouched: bool


def result(trial: Trial, sort: str) -> Beside:
    """What came of a trial that is over, beside what was published of its days last."""
    found = Publication.objects.filter(code=trial.scheme.code, since=trial.since, until=trial.until)
    published = found.order_by("-revision").first()
    frozen = {row.subject: row for row in published.results.all()} if published else {}
    lines = [Line(now, then, frozen.get(now.subject.pk)) for now, then in whatif.beside(trial)]
    touched = [item.rate for item in evaluation.plan_of(trial.scheme).items if item.rate.codes & {*whatif.MOVED}]
    shown = [rate for rate in touched if rate.numerator.text != "on_time"]  # the rate on time stands there anyway
    codes = [rate.code for rate in shown if any(len(set(line.values(rate.code))) > 1 for line in lines)]
    heads = {row.code: row for row in Indicator.objects.filter(code__in=codes)}
    return Beside(
        lines=ordered(lines, sort),
        heads=[heads[code] for code in codes if code in heads],
        published=published,
        colours=coloured(published.said) if published else {},
        moved=sum(line.moved for line in lines),
        ranks=sum(line.now.rank != line.then.rank for line in lines),
        grades=sum(line.now.score.grade != line.then.score.grade for line in lines),
        untouched=not touched,
    )


def ordered(lines: Sequence[Line], by: str) -> list[Line]:
    """By a column, the greatest first, with "-" the least; what has nothing there stands at the end. Else as ranked."""
    column, least = by.removeprefix("-"), by.startswith("-")
    keys: dict[str, Callable[[Line], Any]] = {
        "name": lambda line: line.now.subject.code,
        "rate": lambda line: line.then.figures.on_time_rate,
        "overdue": lambda line: line.then.figures["overdue"],
        "points": lambda line: line.then.score.points,
        "rank": lambda line: line.then.rank and -line.then.rank,
        "change": lambda line: line.change,
        "published": lambda line: line.published.exact if line.published else None,
    }
    key: Callable[[Line], Any] = keys.get(column) or (lambda line: line.values(column)[1])
    some = [line for line in lines if key(line) is not None]
    some.sort(key=key, reverse=least == (column == "name"))
    return [*some, *(line for line in lines if key(line) is None)]


# Another version


@dataclass(frozen=True)
class Preview:
    """The month before under a version, beside what holds. `spread`: of each grade how many there are and would be.

    `lines` are of those whose figures the reader may look at; whoever keeps the settings need not be one of them.
    """

    period: Period
    judged: int
    ranks: int
    grades: int
    spread: list[tuple[str, int, int]]
    lines: list[tuple[Standing, Standing]]


def preview(new: Scheme, old: Scheme | None, by: Officer) -> Preview:
    """What a version, saved or not, would make of the month before, beside the one that holds then, or else `old`."""
    month = periods.of(Span.MONTH, today()).before
    held = Scheme.objects.filter(code=new.code, valid_from__lte=month.until).order_by("-valid_from", "-version").first()
    before = held or old
    then = evaluation.standings(new, month.since, month.until)
    now = {row.subject.pk: row for row in evaluation.standings(before, month.since, month.until)} if before else {}
    pairs = [(now[row.subject.pk], row) for row in then if row.subject.pk in now]
    own = looking.seen(by, new.kind)
    return Preview(
        period=month,
        judged=len(then),
        ranks=sum(row.rank != other.rank for row, other in pairs),
        grades=sum(row.score.letter != other.score.letter for row, other in pairs),
        spread=_spread(list(now.values()), then),
        lines=[pair for pair in pairs if own is None or pair[0].subject.pk in own],
    )


def _spread(now: Sequence[Standing], then: Sequence[Standing]) -> list[tuple[str, int, int]]:
    counts = [Counter(row.score.letter for row in rows) for rows in (now, then)]
    letters = sorted({*counts[0], *counts[1]}, key=lambda said: (not said, said))
    return [(said, counts[0][said], counts[1][said]) for said in letters]
