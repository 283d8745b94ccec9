"""What is said when a case is reported, and what is refused before it becomes one. Writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import gettext as _

from grid.locate import Located
from grid.models import SRID, Component, Officer
from grid.moment import local_day
from grid.words import in_sentence

from . import flow
from .facts import meaning
from .flow import Refused, Source
from .models import Case, Category, Condition
from .refusals import condition_unfit
from .rulebook import Rulebook


@dataclass(frozen=True)
class Report:
    """What was seen and where. lon, lat: WGS84 degrees. photos: (sha256, purpose) pairs, which may arrive later.

    handled: the inspector has put it right himself (自处置). origin: how the position and the report were made,
    kept as it came: the raw pair with its crs, accuracy, fix and capture times, provider, mock flag.
    """

    category: int
    lon: float
    lat: float
    source: Source = Source.INSPECTOR
    condition: int | None = None
    component: str = ""
    text: str = ""
    place: str = ""
    photos: tuple[tuple[str, str], ...] = ()
    handled: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)

    def digest(self, by: Officer | None) -> bytes:
        """SHA-256 of all that was meant and by whom: the same report again has the same."""
        return _digest(by, meaning(vars(self)))

    def digests(self, by: Officer | None) -> tuple[bytes, bytes]:
        """The digest, and the one that cases of before have: of the very words, in their order."""
        return self.digest(by), _digest(by, vars(self))


def _digest(by: Officer | None, said: Mapping[str, Any]) -> bytes:
    text = json.dumps([by and by.pk, said], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def entitled(said: Report, by: Officer | None) -> None:
    """Refuse a report that is not this officer's to make."""
    if by is not None and not by.holds(*flow.REPORTERS[said.source]):
        raise Refused(
            "not_your_source", _("您的岗位不能登记“%(source)s”。") % {"source": said.source.label}, field="source"
        )
    if said.handled and (by is None or said.source != Source.INSPECTOR):
        raise Refused("not_reporter", _("自处置由上报的监督员办理。"), field="handled")


def subclass(book: Rulebook, said: Report) -> Category:
    """The sub-class reported. Raises Refused for a major, one of another generation, or one that is closed."""
    category = book.categories.get(said.category)
    if category is None or not category.sub:
        raise Refused("category_unknown", _("没有这个小类。"), field="category")
    if category.scheme != settings.CATEGORY_SCHEME or category.closed_on:
        sentence = _("“%(name)s”不在现行分类体系 %(scheme)s 中，请更新类别后重选。")
        raise Refused(
            "category_closed",
            sentence % {"name": in_sentence(category), "scheme": settings.CATEGORY_SCHEME},
            field="category",
        )
    return category


def component(said: Report, category: Category) -> Component | None:
    """The registered component reported, if one was named. Raises Refused if it is not there or of another class."""
    if not said.component:
        return None
    component = Component.objects.filter(code=said.component, closed_on=None).first()
    if component is None:
        raise Refused(
            "component_unknown", _("没有代码为 %(code)s 的部件。") % {"code": said.component}, field="component"
        )
    of = (component.scheme, "component", component.major, component.sub)
    if of != (category.scheme, category.kind, category.major, category.sub):
        raise Refused(
            "component_unfit",
            _("部件 %(code)s 不属于“%(name)s”。") % {"code": component.code, "name": in_sentence(category)},
            field="component",
        )
    return component


def chosen(book: Rulebook, said: Report, case: Case, at: datetime) -> Condition | None:
    """The condition the reporter chose. One that is no longer in force is as none: the report is not lost for it.

    Raises Refused (condition_unfit) for one of another class.
    """
    if said.condition is None:
        return None
    row = book.conditions.get(said.condition)
    if row is None or row.category_id != case.category_id:
        raise condition_unfit()
    return row if row in book.in_force(case.category_id, local_day(at), case.cell.region_class) else None


def draft(
    book: Rulebook,
    uuid: UUID,
    said: Report,
    *,
    by: Officer | None,
    located: Located,
    component: Component | None,
    number: str,
    at: datetime,
) -> Case:
    """The case that a report opens, in memory, before its first step."""
    located.cell.area = book.areas[located.cell.area_id]
    case = Case(
        uuid=uuid,
        number=number,
        digest=said.digest(by),
        source=said.source,
        category=subclass(book, said),
        component=component,
        cell=located.cell,
        off_cell_m=located.off_m,
        point=Point(said.lon, said.lat, srid=SRID),
        place=said.place,
        text=said.text,
        reporter=by,
        reported_at=at,
        stage="",
        entered_at=at,
    )
    case.condition = chosen(book, said, case, at)
    return case


def number(at: datetime) -> str:
    """The next number, for a case that is reported at a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('case_number')")
        (count,) = cursor.fetchone()
    return numbered(at, count)


def numbered(at: datetime, count: int) -> str:
    """案卷号: prefix, the city's local day, and a counter that is never reset and grows a digit when it must."""
    return f"{settings.CASE_PREFIX}{local_day(at):%Y%m%d}{count:06d}"
