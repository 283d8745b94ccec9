"""Rows of a form that a person adds to and takes from, by buttons alone: it works where no script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grid.vocabulary import COUNT_MOST, whole

Choices = Sequence[tuple[Any, Any]]
MOST = 40  # rows: more than there are indicators, and each brings whole lists to choose from


class Row(forms.Form):
    """One row. `lists` are what its fields let choose from, read once for all rows of a page."""

    def __init__(self, *args: Any, lists: Mapping[str, Choices] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, choices in (self.lists() if lists is None else lists).items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @classmethod
    def lists(cls) -> Mapping[str, Choices]:
        """By field; of what does not change, nothing."""
        return {}


class Rows(forms.BaseFormSet):  # type: ignore[type-arg]  # each kind of rows names its form
    """A row left wholly empty is none. `once` names the fields in which no two rows may say the same."""

    once: tuple[str, ...] = ()
    default_error_messages = {"too_many_forms": gettext_lazy("最多 %(num)d 行：请删去一些，或分几次做。")}

    @classmethod
    def showing(cls, prefix: str, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Rows to begin with, or as they were typed: nothing is judged yet."""
        shown = cls(prefix=prefix, initial=list(rows))
        shown.extra = shown.max_num = shown.absolute_max = len(rows)  # none is lost unseen
        return shown

    @classmethod
    def typed(cls, prefix: str, said: Mapping[str, str]) -> list[dict[str, Any]]:
        """What stands in the rows that were sent, whether it can be read or not; of too many, one too many."""
        count = min(whole(said.get(f"{prefix}-TOTAL_FORMS")) or 0, MOST + 1)
        return [{name: said.get(f"{prefix}-{n}-{name}", "") for name in cls.form.base_fields} for n in range(count)]

    @property
    def said(self) -> list[dict[str, Any]]:
        """The rows that are not empty. Only where all are valid."""
        return [form.cleaned_data for form in self.forms if form.cleaned_data]

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return super().get_form_kwargs(index) | {"lists": self._lists}

    @cached_property
    def _lists(self) -> Mapping[str, Choices]:
        return self.form.lists()  # type: ignore[no-any-return]

    def non_form_errors(self) -> Any:
        """Too many rows are told before they are judged, too."""
        if self.is_bound or self.extra <= MOST:
            return super().non_form_errors()
        return [self.default_error_messages["too_many_forms"] % {"num": MOST}]

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


def rows(form: type[Row], *, once: tuple[str, ...] = ()) -> type[Rows]:
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
