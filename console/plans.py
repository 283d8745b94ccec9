"""Items and grades of a scheme as rows that a person types, and as a page tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import evaluation, scores
from cases.models import Indicator
from grid.words import named

from .rows import Row, act, rows

BAND = re.compile(
    r"(?:(?P<region>[^\s:：]+)\s*[:：]\s*)?(?P<low>\d{1,9})\s*(?P<to>[-–—~至])?\s*(?P<high>\d{1,9})?\s+(?P<points>[\d.]+)"
)
COLOURS: Mapping[str, Promise] = {
    "green": gettext_lazy("绿"),
    "blue": gettext_lazy("蓝"),
    "yellow": gettext_lazy("黄"),
    "orange": gettext_lazy("橙"),
    "red": gettext_lazy("红"),
    "black": gettext_lazy("黑"),
}
Table = Sequence[Sequence[Any]]


def tables(bands: Any) -> Mapping[str, Table]:
    """Bands by region class, "" for any; a scheme may write a single table as it is."""
    return bands if isinstance(bands, Mapping) else {"": bands} if bands else {}


def plain(number: Any) -> int | float:
    """A decimal as JSON keeps it."""
    return int(number) if number == int(number) else float(number)


class Bands(forms.CharField):
    """Bands, one a line: 0-50 100. A number alone is itself; without an end it is from there on. "2: 0-3 100" is for
    the region class 2."""

    def __init__(self, **more: Any):
        area = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})
        super().__init__(widget=area, required=False, max_length=4000, **more)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping | list):
            return value
        lines = [_told(region, *band) for region, table in tables(value).items() for band in table]
        return "\n".join(lines)

    def clean(self, value: Any) -> Any:
        found: dict[str, list[list[Any]]] = {}
        for line in super().clean(value).splitlines():
            if line.strip():
                region, band = _band(line.strip())
                found.setdefault(region, []).append(band)
        return found[""] if list(found) == [""] else found


def _told(region: str, low: int, high: int | None, points: Any) -> str:
    ends = f"{low}" if low == high else f"{low}-{'' if high is None else high}"
    return f"{region}: {ends} {points}" if region else f"{ends} {points}"


def _band(line: str) -> tuple[str, list[Any]]:
    found = BAND.fullmatch(line)
    if not found or not scores.DECIMAL.fullmatch(found["points"]) or bool(found["high"]) > bool(found["to"]):
        raise ValidationError(_("看不懂“%(line)s”，请写成：0-50 100") % {"line": line[:40]})
    low = int(found["low"])
    high = int(found["high"]) if found["high"] else None if found["to"] else low
    return found["region"] or "", [low, high, plain(Decimal(found["points"]))]


class ItemRow(Row):
    """An indicator with its weight; bands where it is a count."""

    folded = ("bands",)
    indicator = forms.ChoiceField(label=gettext_lazy("指标"))
    weight = forms.DecimalField(
        label=gettext_lazy("权重 %"), max_digits=6, decimal_places=3, max_value=100, localize=False
    )
    bands = Bands(
        label=gettext_lazy("分档（只用于计数）"),
        help_text=gettext_lazy(
            "每行一档：从-到 得分。例：0-50 100，最后一档不写到多少：1001- 0。某区域分类单用：2: 0-3 100"
        ),
    )

    @classmethod
    def lists(cls) -> Mapping[str, Any]:
        return {"indicator": choices()}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.errors and self.has_changed():
            try:
                scores.item(document(said), evaluation.rates())
            except scores.Unfit as unfit:
                self.add_error("weight" if unfit.code == "weight_unfit" else "bands", _plainly(unfit.detail))
        return said


def _plainly(detail: str) -> str:
    """Without the code of the indicator, which stands beside the field."""
    return re.split(r"[：:]\s*[a-z_]+$", detail)[0] + _("。")


def choices() -> list[tuple[Any, Any]]:
    """Indicators: rates, then counts."""
    every = list(Indicator.objects.all())
    rates = [(row.code, named(row)) for row in every if row.denominator]
    counts = [(row.code, named(row)) for row in every if not row.denominator]
    return [("", _("请选择")), (_("比率"), rates), (_("计数，要分档"), counts)]


def document(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as a scheme keeps it."""
    said = {"indicator": item["indicator"], "weight": plain(item["weight"])}
    return said | {"bands": item["bands"]} if item.get("bands") else said


class GradeRow(Row):
    """A grade from so many points upward."""

    letter = forms.CharField(label=gettext_lazy("等级"), max_length=4)
    low = forms.DecimalField(
        label=gettext_lazy("从多少分起"), min_value=0, max_value=100, max_digits=6, decimal_places=3
    )
    colour = forms.ChoiceField(label=gettext_lazy("颜色"), choices=[("", "–"), *COLOURS.items()])


class Items(rows(ItemRow, once=("indicator",))):  # type: ignore[misc]
    """The items of a scheme: their weights are 100 % together."""

    def clean(self) -> None:
        super().clean()
        if all(form.is_valid() for form in self.forms):
            _checked(scores.weighed, [Fraction(row["weight"]) for row in self.said])


class Grades(rows(GradeRow, once=("letter",))):  # type: ignore[misc]
    """The grades of a scheme, the best first, down to 0 points."""

    def clean(self) -> None:
        super().clean()
        if all(form.is_valid() for form in self.forms):
            _checked(scores.graded, [Fraction(row["low"]) for row in self.said])


def _checked(rule: Any, numbers: Sequence[Fraction]) -> None:
    try:
        rule(numbers)
    except scores.Unfit as unfit:
        raise ValidationError(unfit.detail) from None


@dataclass(frozen=True)
class PlanForm:
    """The rows of a scheme's document."""

    items: Any
    grades: Any

    @classmethod
    def showing(cls, said: Mapping[str, Any]) -> Self:
        """A document to begin with."""
        grades = [dict(zip(("letter", "low", "colour"), row, strict=True)) for row in said.get("grades", ())]
        return cls(Items.showing("items", said.get("items", ())), Grades.showing("grades", grades))

    @classmethod
    def pressed(cls, said: Mapping[str, str]) -> Self:
        """What was typed, with a row more or less as the button says."""
        verb, where, which = act(said.get("do", ""))
        typed = {"items": Items.typed("items", said), "grades": Grades.typed("grades", said)}
        if where in typed and verb == "drop":
            del typed[where][max(which, 0) : which + 1]
        if where in typed and verb == "more":
            typed[where].append({})
        return cls(Items.showing("items", typed["items"]), Grades.showing("grades", typed["grades"]))

    @classmethod
    def sent(cls, said: Mapping[str, str]) -> Self:
        """What is to be judged."""
        return cls(Items(said, prefix="items"), Grades(said, prefix="grades"))

    def is_valid(self) -> bool:
        return bool(self.items.is_valid() & self.grades.is_valid())

    @property
    def fits(self) -> bool:
        """Whether nothing is wrong, or nothing was judged yet."""
        return not self.items.is_bound or self.is_valid()

    @property
    def said(self) -> dict[str, Any]:
        """The document. Only of rows that are valid."""
        grades = [[row["letter"], plain(row["low"]), row["colour"]] for row in self.grades.said]
        return {"items": [document(row) for row in self.items.said], "grades": grades}


# Told


@dataclass(frozen=True)
class ItemTold:
    """An item in words."""

    indicator: Indicator
    weight: str
    bands: list[tuple[str, list[tuple[str, str]]]]  # by region class: from–to, points


def items_told(said: Mapping[str, Any]) -> list[ItemTold]:
    """The items of a document, each with its bands as ranges."""
    known = {row.code: row for row in Indicator.objects.all()}
    return [
        ItemTold(
            known.get(each["indicator"]) or Indicator(code=each["indicator"], name=each["indicator"]),
            f"{each['weight']}",
            [(region, [ranged(*band) for band in table]) for region, table in tables(each.get("bands")).items()],
        )
        for each in said.get("items", ())
    ]


def ranged(low: int, high: int | None, points: Any) -> tuple[str, str]:
    """A band: 51–100; 1001 以上."""
    if high is None:
        return _("%(low)s 及以上") % {"low": low}, f"{points}"
    return (f"{low}" if low == high else f"{low}–{high}"), f"{points}"


def grades_told(said: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Grades with what is below the next better one: letter, from, below, colour in words and as it is kept."""
    below = ""
    told = []
    for letter, low, colour in said.get("grades", ()):
        told.append((str(letter), f"{low}", below, str(COLOURS.get(colour, colour)), str(colour)))
        below = f"{low}"
    return told


def lines_told(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A document line by line, for the record of changes."""
    for item in items_told(said):
        bands = [
            (_("区域分类 %(class)s：") % {"class": region} if region else "")
            + _("，").join(f"{ends} → {points}" for ends, points in table)
            for region, table in item.bands
        ]
        yield named(item.indicator), f"{item.weight}%" + "".join(f"；{band}" for band in bands)
    yield (
        _("等级"),
        _("，").join(f"{letter} ≥ {low} {colour}" for letter, low, _below, colour, _hue in grades_told(said)),
    )
