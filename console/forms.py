"""The form of a move: a field for each fact that it needs, or may say. Whatever is wrong is the docket's to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import departments, flags, inspectors, reasons, rules, showing
from cases.clock import Limit, Unit
from cases.flow import Facts, Move, Outcome, Purpose, Rating, Verb, Verdict
from cases.models import Case, Opinion
from cases.rulebook import Rulebook
from grid.models import Officer
from grid.moment import local_day
from grid.search_text import case_number
from grid.words import named, phrased

from . import chosen
from .vocabulary import Amount, Moment

NOBODY = ("", "—")
PURPOSES = {"photos": Purpose.NEAR, "before": Purpose.BEFORE, "after": Purpose.AFTER}


@dataclass(frozen=True)
class About:
    """What a form is about: who wants to make which move of which case, when."""

    book: Rulebook
    case: Case
    move: Move
    acting: Officer
    at: datetime


Fields = dict[str, forms.Field]


def _choice(label: str, choices: Iterable[tuple[Any, Any]], **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=list(choices), required=False, **more)


def _note(about: About) -> Fields:
    needed = "note" in about.move.needs
    return {
        "note": forms.CharField(
            label=_("说明"), widget=forms.Textarea(attrs={"rows": 4}), max_length=2000, required=needed
        )
    }


def _condition(about: About) -> Fields:
    case, day = about.case, local_day(about.at)
    if about.move.verb == Verb.DISPATCH and case.condition_id:
        return {}
    rows = about.book.in_force(case.category_id, day, case.cell.region_class)
    offered = [
        (row.pk, f"{row.no}. {phrased(row, 'text')} · {reasons.limit(row.limit_value, row.limit_unit)}") for row in rows
    ]
    suggested, _why = rules.condition(about.book, case, day)
    needed = "condition" in about.move.needs or (about.move.verb == Verb.DISPATCH and bool(rows))
    field = forms.ChoiceField(label=_("立案条件"), choices=offered, widget=forms.RadioSelect, required=needed)
    field.initial = suggested.pk if suggested and needed else None
    return {"condition": field}


def _department(about: About) -> Fields:
    """Whose case it is to be, with the suggestion of the rules; of help there is none."""
    suggested, why = rules.route(about.book, about.case) if about.move.verb == Verb.DISPATCH else (None, ())
    rows = departments.of_case(about.book, about.case)
    if suggested and suggested not in rows:
        rows.insert(0, suggested)
    offered = [NOBODY, *((row.pk, named(row)) for row in rows)]
    when = {"data-when": Verb.ASSIST.value} if about.move.verb == Verb.ASK else {}
    label = _("责任单位") if about.move.verb == Verb.DISPATCH else _("协办单位")
    field = _choice(label, offered, help_text=" ".join(map(reasons.say, why)), widget=forms.Select(attrs=when))
    field.required, field.initial = "department" in about.move.needs, suggested.pk if suggested else None
    return {"department": field}


def _holder(about: About) -> Fields:
    """Who may be sent, those of the cell's beat first."""
    people = inspectors.of_district(about.case).order_by("name", "pk")
    near = set(people.filter(beats__cells=about.case.cell_id).values_list("pk", flat=True))
    beat = [(one.pk, str(one)) for one in people if one.pk in near]
    others = [(one.pk, str(one)) for one in people if one.pk not in near]
    offered = [("", _("本责任网格的监督员均可办理")), (_("本责任网格"), beat), (_("其他"), others)]
    return {"holder": _choice(_("承办的监督员"), offered)}


def _asks(about: About) -> Fields:
    wishes = [(verb.value, verb.label) for verb in showing.wishes(about.case, about.acting)]
    asks = forms.ChoiceField(label=_("申请事项"), choices=wishes, widget=forms.Select(attrs={"data-chooses": "asks"}))
    return {"asks": asks, **{f"ground_{verb}": field for verb, _l in wishes for field in _ground_of(about, Verb(verb))}}


def _ground_of(about: About, verb: Verb) -> list[forms.Field]:
    rows = about.book.grounds.get(verb, {})
    offered = [NOBODY, *((code, named(row)) for code, row in rows.items())]
    return [_choice(_("理由"), offered, widget=forms.Select(attrs={"data-when": verb}))] if rows else []


def _ground(about: About) -> Fields:
    """Of the move itself; a wish has a list for each thing that may be asked for."""
    fields = [] if about.move.verb == Verb.ASK else _ground_of(about, about.move.verb)
    return dict(zip(["ground"], fields, strict=False))


def _limit(about: About) -> Fields:
    """In the units of the case's own clock; who helps may have another."""
    helps = about.move.verb == Verb.ASSIST
    clock = about.case.clock
    same = [unit for unit in Unit if helps or (clock and unit.continuous == Unit(clock).continuous)]
    when = {"data-when": Verb.EXTEND.value} if about.move.verb == Verb.ASK else {}
    value = Amount(label=_("协办时限") if helps else _("延长"), required=False)
    value.widget.attrs |= {"step": "any", **when}
    unit = _choice(_("单位"), ((unit.value, unit.label) for unit in same), widget=forms.Select(attrs=when))
    return {"limit_value": value, "limit_unit": unit}


def _until(about: About) -> Fields:
    when = {"data-when": Verb.SHELVE.value} if about.move.verb == Verb.ASK else {}
    label = _("回复期限") if about.move.verb == Verb.SUPERVISE else _("挂账到")
    return {"until": Moment(label=label, attrs=when, required=False)}


def _verdict(about: About) -> Fields:
    return {"verdict": forms.ChoiceField(label=_("核实结论"), choices=Verdict.choices, widget=forms.RadioSelect)}


def _outcome(about: About) -> Fields:
    return {"outcome": forms.ChoiceField(label=_("回访结果"), choices=Outcome.choices, widget=forms.RadioSelect)}


def _rating(about: About) -> Fields:
    """The best first. A button once pressed cannot be lifted, so of a call that nobody answered it is not read."""
    return {"rating": _choice(_("满意度"), [*reversed(Rating.choices)], widget=forms.RadioSelect)}


def _same_as(about: About) -> Fields:
    near = showing.nearby(about.book, about.case, about.at, by=about.acting)
    offered = [(str(one.uuid), f"{one.number} · {one.metres:.0f} m") for one in near if one.visible]
    other = forms.CharField(label=_("主案的案卷号"), required=False, max_length=30)
    if not offered:
        return {"number": other}
    return {"same_as": _choice(_("主案"), offered, widget=forms.RadioSelect), "number": other}


def _flag(about: About) -> Fields:
    asked = [(flag.pk, showing.flag(flag.code, flag.figure)) for flag in flags.unanswered(about.case)]
    first = asked[0][0] if asked else None
    return {"flag": forms.ChoiceField(label=_("疑点"), choices=asked, widget=forms.RadioSelect, initial=first)}


def _accepted(about: About) -> Fields:
    verdicts = (("1", _("没有问题")), ("0", _("有问题")))
    return {"accepted": forms.ChoiceField(label=_("是否认可"), choices=verdicts, widget=forms.RadioSelect)}


def _files(need: str, label: Promise) -> Callable[[About], Fields]:
    def fields(about: About) -> Fields:
        # The chosen files outlive the form's next answer: nobody has to look for them again.
        kept = {"id": f"{about.move.verb}-{need}", "hx-preserve": "true"}
        widget = chosen.PhotosInput(attrs={"accept": chosen.ACCEPTED, **kept})
        return {need: chosen.PhotosField(label=str(label), required=need in about.move.needs, widget=widget)}

    return fields


FIELDS: Mapping[str, Callable[[About], Fields]] = {
    "condition": _condition,
    "department": _department,
    "holder": _holder,
    "asks": _asks,
    "ground": _ground,
    "limit": _limit,
    "until": _until,
    "verdict": _verdict,
    "outcome": _outcome,
    "rating": _rating,
    "same_as": _same_as,
    "flag": _flag,
    "accepted": _accepted,
    "before": _files("before", gettext_lazy("处置前照片")),
    "after": _files("after", gettext_lazy("处置后照片")),
    "photos": _files("photos", gettext_lazy("照片")),
    "note": _note,
}


class MoveForm(forms.Form):
    """What an officer says with a move. `key` makes a second click the same move; `seen` is the last line he saw."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, about: About, said: Any = None, files: Any = None):
        log = about.case.log
        fresh = {"key": uuid4(), "seen": log[-1].pk if log else 0}
        super().__init__(said, files, initial=fresh, label_suffix="")
        self.about = about
        self.opinions = list(Opinion.objects.filter(verb__in=("", about.move.verb)).order_by("-verb", "place", "pk"))
        asked = {*about.move.needs, *about.move.takes, "note"}
        for need, fields in FIELDS.items():
            if need in asked:
                self.fields |= fields(about)

    def facts(self, by: Officer) -> Facts:
        """What was said. Keeps the photos first, as a phone does. Raises PhotoRefused, Case.DoesNotExist."""
        said = self.cleaned_data
        wish = said.get("asks", "")
        value, unit = said.get("limit_value"), said.get("limit_unit")
        return Facts(
            note=said.get("note", ""),
            photos=tuple(self._shown(by)),
            condition=_number(said.get("condition")),
            department=_number(said.get("department")) if wish in ("", Verb.ASSIST) else None,
            holder=_number(said.get("holder")),
            asks=wish,
            ground=said.get(f"ground_{wish}" if wish else "ground", ""),
            same_as=self._master(by),
            limit=Limit(value, Unit(unit)) if value and unit and wish in ("", Verb.EXTEND) else None,
            until=said.get("until") if wish in ("", Verb.SHELVE) else None,
            verdict=said.get("verdict", ""),
            outcome=said.get("outcome", ""),
            rating=_number(said.get("rating")) if said.get("outcome") != Outcome.UNREACHED else None,
            flag=_number(said.get("flag")),
            accepted=said.get("accepted") == "1",
        )

    def _shown(self, by: Officer) -> Iterable[tuple[str, str]]:
        for need, purpose in PURPOSES.items():
            for sha in self.cleaned_data.get(need, chosen.Chosen()).photos(by):
                yield sha, str(purpose)

    def _master(self, by: Officer) -> str:
        """The case that stays: by its number where one was typed."""
        if number := case_number(self.cleaned_data.get("number", "")):
            return str(Case.objects.visible_to(by).get(number=number).uuid)
        return str(self.cleaned_data.get("same_as", ""))


def known(move: Move) -> bool:
    """Whether this desk has a field for all that a move needs."""
    return set(move.needs) <= FIELDS.keys()


def _number(said: Any) -> int | None:
    return int(said) if said else None
