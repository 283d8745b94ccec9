"""Fields of the settings' forms that show what a model keeps as a program keeps it."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WEEKDAYS = (
    (1, gettext_lazy("周一")),
    (2, gettext_lazy("周二")),
    (3, gettext_lazy("周三")),
    (4, gettext_lazy("周四")),
    (5, gettext_lazy("周五")),
    (6, gettext_lazy("周六")),
    (7, gettext_lazy("周日")),
)
SEASON = re.compile(r"(\d{1,2})-(\d{1,2})[\s:：]+(.+)")
PERIOD = re.compile(r"(\d{1,2}:\d{2})\s*[-–—~至]\s*(\d{1,2}:\d{2})")


class Choices(forms.TypedMultipleChoiceField):
    """A list of words, as boxes to tick."""

    def __init__(self, choices: Any, *, coerce: Any = str, **more: Any):
        super().__init__(choices=choices, coerce=coerce, widget=forms.CheckboxSelectMultiple, **more)

    def prepare_value(self, value: Any) -> Any:
        return [str(item) for item in value] if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[Any]:
        return list(super().clean(value))


class Hours(forms.DecimalField):
    """Hours for what is kept in seconds."""

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 3600:g}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        hours = super().clean(value)
        return round((hours or 0) * 3600)


class Seasons(forms.CharField):
    """Working hours, a season a line: 05-01 08:00-12:00 14:00-18:00. Each holds until the next begins."""

    def __init__(self, **more: Any):
        super().__init__(widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}), **more)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{season['start']} {' '.join('-'.join(period) for period in season['periods'])}" for season in value
        )

    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        return sorted((_season(line) for line in lines), key=lambda season: str(season["start"]))


def _season(line: str) -> dict[str, Any]:
    found = SEASON.fullmatch(line)
    periods = PERIOD.findall(found[3]) if found else []
    if not found or not periods or PERIOD.sub("", found[3]).strip(" ,，、;；"):
        raise ValidationError(_("看不懂“%(line)s”，请写成：05-01 08:00-12:00 14:00-18:00") % {"line": line})
    return {
        "start": f"{int(found[1]):02}-{int(found[2]):02}",
        "periods": [[_hour(at) for at in ends] for ends in periods],
    }


def _hour(said: str) -> str:
    try:
        return f"{time.fromisoformat(said.zfill(5)):%H:%M}"
    except ValueError:
        raise ValidationError(_("没有这个时间：%(time)s") % {"time": said}) from None
