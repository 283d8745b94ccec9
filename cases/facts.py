"""What people say while they move a case. Nothing here touches the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy

from .clock import Limit


class Purpose(TextChoices):
    """What a photo is to show."""

    NEAR = "near", gettext_lazy("近景")
    FAR = "far", gettext_lazy("远景")
    BEFORE = "before", gettext_lazy("处置前")
    AFTER = "after", gettext_lazy("处置后")


class Verdict(TextChoices):
    """What a verification (核实) found."""

    TRUE = "true", gettext_lazy("属实")
    FALSE = "false", gettext_lazy("不属实")


class Outcome(TextChoices):
    """What came of a call-back (回访): whether anybody could be asked, and what he said of his matter."""

    UNREACHED = "unreached", gettext_lazy("未联系上")
    SOLVED = "solved", gettext_lazy("已解决")
    UNSOLVED = "unsolved", gettext_lazy("未解决")


class Rating(IntegerChoices):
    """How satisfied a caller is (满意度)."""

    VERY_POOR = 1, gettext_lazy("非常不满意")
    POOR = 2, gettext_lazy("不满意")
    FAIR = 3, gettext_lazy("基本满意")
    GOOD = 4, gettext_lazy("满意")
    VERY_GOOD = 5, gettext_lazy("非常满意")


@dataclass(frozen=True)
class Facts:
    """All that anyone can say while moving a case.

    woken, skipped: whom a rung of the ladder woke (primary keys), and which posts it found nobody at.
    photos: (sha256, purpose) pairs. condition, department, holder: primary keys. until: aware moment.
    outcome: what came of a call-back; rating: how satisfied the caller is, one of Rating.
    flag: primary key of the flag that is answered; accepted: whether the answer satisfies.
    same_as: the uuid of the case that was reported first, as text.
    cell: primary key of the cell to which a case is handed over.
    why: the reasons of an automatic move, as `rules` wrote them. origin: how a report came in.
    """

    note: str = ""
    photos: tuple[tuple[str, str], ...] = ()
    condition: int | None = None
    department: int | None = None
    holder: int | None = None
    cell: int | None = None
    asks: str = ""
    refuses: str = ""
    ground: str = ""
    same_as: str = ""
    limit: Limit | None = None
    until: datetime | None = None
    verdict: str = ""
    outcome: str = ""
    rating: int | None = None
    flag: int | None = None
    accepted: bool = False
    woken: tuple[int, ...] = ()
    skipped: tuple[str, ...] = ()
    why: tuple[Mapping[str, Any], ...] = ()
    origin: Mapping[str, Any] | None = None

    @property
    def before(self) -> tuple[str, ...]:
        return self.showing(Purpose.BEFORE)

    @property
    def after(self) -> tuple[str, ...]:
        return self.showing(Purpose.AFTER)

    def showing(self, purpose: str) -> tuple[str, ...]:
        return tuple(sha for sha, shows in self.photos if shows == purpose)

    def said(self) -> dict[str, Any]:
        """What was said, ready for JSON; what was not said is left out."""
        return {name: _plain(value) for name, value in vars(self).items() if value}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Limit():
            return {"value": str(value.value), "unit": str(value.unit)}
        case tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return dict(value)
        case _:
            return value


NOTHING = Facts()


def meaning(said: Any) -> Any:
    """What was meant by what was said, ready for JSON: the same for photos in another order, and for the same moment
    in another offset. By it the same report, or the same move, is known when it comes again."""
    match said:
        case str():
            return _in_utc(said)
        case {"value": str(value), "unit": str(unit)}:  # a limit
            return {"value": format(Decimal(value).normalize(), "f"), "unit": unit}
        case Mapping():
            return {name: meaning(value) for name, value in said.items()}
        case list() | tuple():
            return sorted((meaning(item) for item in said), key=repr) if _photos(said) else [meaning(i) for i in said]
        case _:
            return said


def _photos(said: Sequence[Any]) -> bool:
    return all(isinstance(item, (list, tuple)) for item in said)


def _in_utc(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC).isoformat() if at.tzinfo else text
    except (ValueError, OverflowError):
        return text
