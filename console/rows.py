"""Rows of a form that a person adds to and takes from, by buttons alone: it works where no script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from django import forms
from django.utils.translation import gettext as _

from grid.vocabulary import COUNT_MOST, whole

MOST = 200  # rows that anybody types


class Rows(forms.BaseFormSet):  # type: ignore[type-arg]  # each kind of rows names its form
    """A row left wholly empty is none. `once` names the fields in which no two rows may say the same."""

    once: tuple[str, ...] = ()

    @classmethod
    def showing(cls, prefix: str, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Rows to begin with, or as they were typed: nothing is judged yet."""
        shown = cls(prefix=prefix, initial=list(rows))
        shown.extra = len(rows)
        return shown

    @classmethod
    def typed(cls, prefix: str, said: Mapping[str, str]) -> list[dict[str, Any]]:
        """What stands in the rows that were sent, whether it can be read or not."""
        count = min(whole(said.get(f"{prefix}-TOTAL_FORMS")) or 0, MOST)
        return [{name: said.get(f"{prefix}-{n}-{name}", "") for name in cls.form.base_fields} for n in range(count)]

    @property
    def said(self) -> list[dict[str, Any]]:
        """The rows that are not empty. Only where all are valid."""
        return [form.cleaned_data for form in self.forms if form.cleaned_data]

    def initial_form_count(self) -> int:
        return 0

    def clean(self) -> None:
        """Refuse the second of two rows that say the same."""
        seen = set()
        for form in self.forms if self.once else ():
            key = tuple(form.cleaned_data.get(name) for name in self.once) if form.is_valid() else ()
            if form.has_changed() and key and key in seen:
                form.add_error(self.once[0], _("前面已有同样的一行。"))
            seen.add(key)


def rows(form: type[forms.Form], *, once: tuple[str, ...] = ()) -> type[Rows]:
    """A kind of rows, each with the fields of a form."""
    kind = forms.formset_factory(form, formset=Rows, extra=0, max_num=MOST, validate_max=True, absolute_max=MOST + 1)
    kind.once = once  # type: ignore[attr-defined]
    return kind  # type: ignore[return-value]


def act(said: str) -> tuple[str, str, int]:
    """What a button says: "drop.limits.2" is to take the third of the limits away."""
    verb, _dot, rest = said.partition(".")
    where, _dot, which = rest.rpartition(".")
    number = whole(which, most=COUNT_MOST)
    return (verb, rest, -1) if number is None else (verb, where, number)
