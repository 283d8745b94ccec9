"""What people type at the desk, by the same vocabulary as the phones' door: texts cleaned at the door, days and moments
that can be reckoned with, numbers that fit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from grid import vocabulary
from grid.moment import reckonable
from grid.typed_text import cleaned, is_blank

NO_SUCH_DAY = _("没有这样的日期。")


def readable(said: QueryDict) -> QueryDict:
    """What a form or an address says, with cleaned texts; what shows nothing is empty. Passwords stay as they are."""
    if all(_plain(name) and all(map(_plain, values)) for name, values in said.lists()):
        return said
    kept = QueryDict(mutable=True)
    for name, values in said.lists():
        kept.setlist(cleaned(name), values if "password" in name else [_read(value) for value in values])
    kept._mutable = False  # noqa: SLF001  as Django hands them over
    return kept


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _read(text: str) -> str:
    return "" if is_blank(text) else cleaned(text)


class Day(forms.DateField):
    """A day, chosen from the browser's calendar."""

    def __init__(self, **more: Any):
        super().__init__(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"} | more.pop("attrs", {})), **more
        )

    def to_python(self, value: Any) -> date | None:
        found = super().to_python(value)
        if found and not reckonable(found):
            raise ValidationError(NO_SUCH_DAY)
        return found


class Moment(forms.DateTimeField):
    """A moment by the city's clock, to the minute."""

    def __init__(self, **more: Any):
        attrs = {"type": "datetime-local"} | more.pop("attrs", {})
        super().__init__(widget=forms.DateTimeInput(attrs=attrs, format="%Y-%m-%dT%H:%M"), **more)

    def to_python(self, value: Any) -> datetime | None:
        try:
            found = super().to_python(value)
        except OverflowError:
            raise ValidationError(NO_SUCH_DAY) from None
        if found and (found := vocabulary.moment(found)) is None:
            raise ValidationError(NO_SUCH_DAY)
        return found


class Amount(forms.DecimalField):
    """So many of a unit: what the phones' door takes of a limit."""

    def __init__(self, **more: Any):
        super().__init__(min_value=Decimal("0.0001"), max_value=9999, max_digits=8, decimal_places=4, **more)
