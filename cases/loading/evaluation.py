"""Indicators and schemes, from a folder.

indicators.csv  code, name, name_en, numerator, denominator, better, counted_by, exclusions   the dictionary, whole
schemes.json    code, version, kind, basis, valid_from, name, name_en, items, grades          versions, added to
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from grid.loading.outcome import Counts, Refused

from .. import scores
from ..models import Indicator, Scheme
from .reading import Refusals, Row, day, document, fit, table, word
from .writing import sync

WORDS = ("name", "numerator", "better", "counted_by")
BLANKS = ("name_en", "counted_by_en", "denominator", "exclusions", "exclusions_en")
SAYS = (*WORDS, *BLANKS)


@transaction.atomic
def load(folder: Path) -> dict[str, Counts]:
    """Make the dictionary say what its file says, and add the schemes' versions that are new.

    A version that is there already is never changed: one that differs is refused. Raises `NotLoaded`; nothing is
    written then.
    """
    refusals = Refusals()
    done = {"indicators.csv": _indicators(folder / "indicators.csv", refusals)}
    refusals.settle()
    done["schemes.json"] = _schemes(folder / "schemes.json", refusals)
    refusals.settle()
    return done


def dictionary(folder: Path) -> list[Indicator]:
    """The indicators of a folder, unsaved. Raises `NotLoaded`."""
    refusals = Refusals()
    rows = _read(folder / "indicators.csv", refusals)
    refusals.settle()
    return rows


def _read(path: Path, refusals: Refusals) -> list[Indicator]:
    rows: dict[str, Indicator] = {}
    for line, said in table(path, ("code", *SAYS), refusals):
        with refusals.at(path.name, line):
            row = _indicator(said)
            if rows.setdefault(row.code, row) is not row:
                raise Refused("duplicate", _("前面已有同样的一行"))
    return list(rows.values())


def _indicators(path: Path, refusals: Refusals) -> Counts:
    counts, gone = sync(Indicator.objects.all(), _read(path, refusals), key=lambda row: row.code, columns=SAYS)
    counts.retired = len(gone)
    Indicator.objects.filter(pk__in=[row.pk for row in gone]).delete()
    return counts


def _indicator(said: Row) -> Indicator:
    blanks = {name: said[name] for name in BLANKS}
    row = Indicator(code=word(said, "code"), **{name: word(said, name) for name in WORDS}, **blanks)
    fit(row)
    try:
        row.rate  # noqa: B018 (read for what it refuses)
    except scores.Unfit as unfit:
        raise Refused(unfit.code, unfit.detail) from None
    return row


def _schemes(path: Path, refusals: Refusals) -> Counts:
    counts, rates = Counts(), {row.code: row.rate for row in Indicator.objects.all()}
    with refusals.at(path.name):
        for number, said in enumerate(document(path), 1):
            with refusals.at(path.name, number):
                _add(_scheme(said, rates), counts)
    return counts


def _scheme(said: Mapping[str, Any], rates: Mapping[str, scores.Rate]) -> Scheme:
    try:
        scores.plan(said, rates)
        row = Scheme(
            **{name: said[name] for name in ("code", "version", "name", "name_en", "kind", "basis")},
            valid_from=day(said["valid_from"]),
            said={"items": said["items"], "grades": said["grades"]},
        )
    except scores.Unfit as unfit:
        raise Refused(unfit.code, unfit.detail) from None
    except (KeyError, TypeError) as error:
        raise Refused("scheme_unread", _("评分方案写得不对：%(error)s") % {"error": repr(error)}) from None
    fit(row)
    return row


def _add(row: Scheme, counts: Counts) -> None:
    old = Scheme.objects.filter(code=row.code, version=row.version).first()
    if old is None:
        row.save()
        counts.added += 1
    elif _told(old) == _told(row):
        counts.unchanged += 1
    else:
        raise Refused("version_used", _("该版本已存在且内容不同，修改请用新的版本号。"))


def _told(row: Scheme) -> tuple[object, ...]:
    return row.name, row.name_en, row.kind, row.basis, row.valid_from, row.said
