"""What is not wrong in a city but should be looked at: warnings, none of which keeps a row out."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from .. import levels
from ..models import Beat, Component, Officer
from ..roles import Role
from . import ground
from .draft import Draft, Line
from .kinds import AREAS, BEATS, CELLS, OFFICERS


def measure(draft: Draft) -> None:
    """Give each cell of the draft its geodesic area; warn of odd areas, of overlaps, of gaps in known communities."""
    cells = draft.lines.get(CELLS.name, {})
    communities = {line.refers["area"] for line in cells.values()}
    shapes = {code: shape for code in communities if (shape := draft.shape_of(AREAS, code))}
    with ground.staged({code: (line.refers["area"], line.values["shape"]) for code, line in cells.items()}, shapes):
        for code, m2 in ground.areas_m2().items():
            cells[code].values["area_m2"] = m2
        overlaps, gaps = ground.overlaps(draft.city.tolerance_m2), ground.gaps(draft.city.tolerance_m2)
    _odd_areas(draft, cells)
    for code, other, m2 in overlaps:
        _warn(draft, cells[code], "cells_overlap", _("与 %(other)s 重叠 %(m2).0f 平方米") % {"other": other, "m2": m2})
    for code, m2, lon, lat in gaps:
        message = _("%(level)s %(area)s 在 %(lon).6f, %(lat).6f 一带有 %(m2).0f 平方米不属于任何单元网格")
        draft.warn_file(
            CELLS,
            "area_gap",
            message % {"level": levels.word("community"), "area": code, "m2": m2, "lon": lon, "lat": lat},
        )


def _odd_areas(draft: Draft, cells: Mapping[str, Line]) -> None:
    least, most = draft.city.cell_area_m2
    for line in cells.values():
        m2 = line.values["area_m2"]
        if not least <= m2 <= most:
            band = {"m2": m2, "least": least, "most": most}
            message = _("面积 %(m2).0f 平方米，不在 %(least).0f 至 %(most).0f 平方米之间") % band
            _warn(draft, line, "cell_area_odd", message)


def after(draft: Draft) -> None:
    """Warn of what shows once the draft is written: thin beats, components without a current cell, absent officers."""
    if BEATS.name in draft.lines or OFFICERS.name in draft.lines:
        _thin_beats(draft)
    if CELLS.name in draft.lines:
        _adrift(draft)
    if OFFICERS.name in draft.lines:
        _absent(draft)


def _thin_beats(draft: Draft) -> None:
    """Whoever handles a case himself does not check it: a beat needs a second inspector."""
    active = Q(officers__is_active=True, officers__roles__contains=[Role.INSPECTOR])
    beats = Beat.objects.filter(code__in=draft.lines.get(BEATS.name, draft.present[BEATS.name]))
    for beat in beats.annotate(inspectors=Count("officers", filter=active)).filter(inspectors__lt=2).order_by("code"):
        names = {"beat": beat.code, "inspectors": beat.inspectors}
        message = _("责任网格 %(beat)s 只有 %(inspectors)d 名监督员：自处置的案卷须由另一人核查，至少要两名")
        draft.warn_file(BEATS, "beat_thin", message % names)


def _adrift(draft: Draft) -> None:
    current = Component.objects.filter(closed_on=None, cell__closed_on__isnull=False)
    adrift = current.filter(cell__code__in=draft.present[CELLS.name]).count()
    if adrift:
        message = _("%(n)d 个在用部件所属的单元网格已停用：请更新部件文件中的网格代码")
        draft.warn_file(CELLS, "components_adrift", message % {"n": adrift})


def _absent(draft: Draft) -> None:
    """Officers are not disabled by absence: a list may be partial, and a login cut off by a slip hurts."""
    listed, present = draft.listed[OFFICERS.name], draft.present[OFFICERS.name]
    absent = [name for name, row in sorted(present.items()) if name not in listed and _serves(draft, row)]
    if absent:
        message = _("%(n)d 名在用人员不在文件里，未作改动：%(names)s。离岗人员请由管理员停用")
        draft.warn_file(OFFICERS, "officers_absent", message % {"n": len(absent), "names": _("、").join(absent[:10])})


def _serves(draft: Draft, row: Officer) -> bool:
    return row.is_active and any(draft.city.holds(tie.code) for tie in (row.department, row.area) if tie)


def _warn(draft: Draft, line: Line, code: str, message: str) -> None:
    draft.warn(line.row.file, line.row.number, code, f"{line.code} {message}")
