"""The cases behind a figure."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases import behind, evaluation, indicators, looking
from cases.behind import Figure, Key
from cases.flow import Refused
from cases.looking import LOOKERS
from cases.metrics import METRIC
from cases.models import Basis, Indicator, Scheme
from grid.moment import reckonable, today
from grid.vocabulary import KEY_MOST, day, whole
from grid.words import named

from ..door import Request, desk, told

PAGE = 50
KINDS = (*indicators.KINDS, *(str(kind) for kind in Scheme.POSTS))


@require_safe
@desk(*LOOKERS)
def page(request: Request) -> HttpResponseBase:
    """Line by line what was counted: `codes`, or `indicator` with its `part`, of a `kind` and `subject`, `from`, `to`.

    What an appeal exempted is shown as exempt. A case that is not for me to see is not shown.
    """
    said = request.GET
    try:
        indicator = Indicator.objects.filter(code=said.get("indicator", "")).first()
        part = "denominator" if said.get("part") == "denominator" else "numerator"
        figure = _figure(said, indicator, part)
        looking.looked_at(request.user, figure.kind, figure.subject)
        alone = "alone" in said or looking.alone(request.user)
        figure = replace(figure, within=looking.ground(request.user), alone=alone)
    except (ValueError, KeyError):
        return told(request, _("没有找到，或您无权查看。"), 404)
    except Refused as refused:
        return told(request, refused.detail, 403)
    after, before = _read(said.get("cursor", ""))
    rows, following = behind.behind(figure, request.user, limit=PAGE, after=after)
    shown = before + len(rows)
    codes = set(figure.codes) | _codes(indicator)
    days = figure.since, figure.until
    whose: Any = {"within": figure.within, "alone": figure.alone}
    found = evaluation.counted(figure.kind, figure.basis, *days, codes, [figure.subject], **whose)
    counts = found.get(figure.subject, indicators.Figures())
    whole = figure.kind == "department" and following is None
    names = evaluation.named(figure.kind, [figure.subject]) if figure.kind != "city" else []
    return render(
        request,
        "console/behind.html",
        {
            "figure": figure,
            "name": named(names[0]) if names else _("全市"),
            "indicator": indicator,
            "part": part,
            "parts": _parts(indicator, counts),
            "value": indicator.rate.of(counts) if indicator else None,
            "counts": [(METRIC[code], counts[code]) for code in figure.codes],
            "rows": [(row, METRIC[row.metric]) for row in rows],
            "unseen": sum(counts[code] for code in figure.codes) - shown if whole else 0,
            "next": _write(following, shown) if following else "",
        },
    )


def _figure(said: Any, indicator: Indicator | None, part: str) -> Figure:
    """Raises ValueError for what cannot be meant."""
    if indicator:
        side = getattr(indicator.rate, part) or indicator.rate.numerator
        codes = tuple(code for sign, code in side.parts if sign > 0)
    else:
        codes = tuple(dict.fromkeys(said.get("codes", "").replace(",", " ").split()))
    if not codes or set(codes) - METRIC.keys() or said.get("kind") not in KINDS:
        raise ValueError
    since, until = day(said.get("from")), day(said.get("to") or today().isoformat())
    subject = whole(said.get("subject") or "0")
    if since is None or until is None or subject is None or not 0 <= (until - since).days <= 366:
        raise ValueError
    basis = said.get("basis") or Basis.FLOW
    return Figure(codes, said["kind"], subject, since, until, Basis(basis))


def _codes(indicator: Indicator | None) -> set[str]:
    return set(indicator.rate.codes) if indicator else set()


def _parts(indicator: Indicator | None, counts: indicators.Figures) -> list[tuple[str, str, int]]:
    """The two sides of a rate, with their counts."""
    if indicator is None or not indicator.denominator:
        return []
    rate = indicator.rate
    assert rate.denominator
    return [
        ("numerator", _("分子"), rate.numerator.of(counts)),
        ("denominator", _("分母"), rate.denominator.of(counts)),
    ]


def _write(key: Key, shown: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([key.day.isoformat(), key.event, shown]).encode()).decode()


def _read(said: str) -> tuple[Key | None, int]:
    """Where a page begins, and how many lines stood before it. A cursor that cannot be read is the beginning."""
    try:
        on, event, shown = json.loads(base64.urlsafe_b64decode(said.encode()))
        if (type(event), type(shown)) != (int, int) or not (0 <= event <= KEY_MOST and 0 <= shown <= KEY_MOST):
            raise ValueError(said)
        key = Key(date.fromisoformat(on), event)
        return (key, shown) if reckonable(key.day) else (None, 0)
    except (ValueError, TypeError, RecursionError):
        return None, 0
