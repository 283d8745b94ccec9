"""What is asked of each kind of row: areas, departments, cells, components, beats, officers. Writes nothing."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from django.utils.translation import gettext as _

from .. import levels
from ..models import Area, Beat, Cell, Component, Department, Officer
from ..roles import Role
from . import patterns, spoilt
from .draft import Draft, Kind, Line, twice
from .files import Row
from .outcome import Refused
from .shapes import off_m, outside_m2, shared, sound
from .whereabouts import at_home

CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")
NEAR_M = 1.0  # a component on a border may lie this far outside the cell it belongs to
SAME_GROUND = 0.5  # a cell redrawn shares at least this part of the larger shape, or it is another cell


def area_shapes(draft: Draft) -> None:
    """Give the areas the shapes that a file of their own holds."""
    source = draft.city.sources.get("area_shapes")
    first: dict[str, int] = {}
    for row in draft.rows(source, ["code"]) if source else []:
        try:
            if row.fault:
                raise row.fault
            code = draft.known(AREAS, row.fields["code"])
            if first.setdefault(code, row.number) != row.number:
                raise twice(code, first[code])
            line = draft.lines.setdefault(AREAS.name, {}).setdefault(code, Line(row, code, {}))
            line.values["shape"] = _placed(draft, row, MultiPolygon)
        except Refused as refusal:
            draft.refuse(row.file, row.number, refusal)


def area(draft: Draft, line: Line) -> None:
    _in_the_city(draft, line)
    if len(line.code) not in settings.AREA_WIDTHS or not CODE.fullmatch(line.code):
        names = {"code": line.code, "widths": _("、").join(map(str, settings.AREA_WIDTHS))}
        message = _("区域代码“%(code)s”应为 %(widths)s 位（AREA_WIDTHS），用数字、字母或 - _ .")
        raise Refused("code_invalid", message % names)
    parent = levels.parent(line.code)
    _under(line, "parent", parent)
    line.refers["parent"] = draft.known(AREAS, parent, own=True) if parent else ""
    if line.row.shape:
        line.values["shape"] = _placed(draft, line.row, MultiPolygon)


def department(draft: Draft, line: Line) -> None:
    _in_the_city(draft, line)
    if heir := line.row.fields.get("heir", ""):
        draft.heirs[line.code] = heir


def heirs(draft: Draft) -> None:
    """Refuse a department whose heir is unknown, itself or below it, or closed without an heir of its own."""
    lines = draft.lines.get(DEPARTMENTS.name, {})
    for code, heir in list(draft.heirs.items()):
        try:
            draft.known(DEPARTMENTS, heir)
            if code in _above(draft, heir):
                message = _("承接单位“%(heir)s”是它自己，或在它之下：请先把承接单位移到别的上级之下")
                raise Refused("heir_below", message % {"heir": heir})
        except Refused as refusal:
            draft.refuse(lines[code].row.file, lines[code].row.number, refusal)
            del draft.heirs[code]
            if code in draft.present[DEPARTMENTS.name]:  # else those below it wait for it
                del lines[code]
            draft.spoilt.add(DEPARTMENTS.name)


def _above(draft: Draft, code: str) -> list[str]:
    """A department and those above it once the draft is loaded: the heir of one that is closed, else its parent."""
    found: list[str] = []
    while code and code not in found:
        found.append(code)
        line, present = draft.lines[DEPARTMENTS.name].get(code), draft.present[DEPARTMENTS.name].get(code)
        said = line.refers.get("parent") if line else None
        kept = present.parent.code if present and present.parent else ""
        code = draft.heirs.get(code) or (kept if said is None else said)
    return found


def cell(draft: Draft, line: Line) -> None:
    own = draft.city.cell_code
    pattern = own.pattern or settings.CELL_CODE
    if not (patterns.fits(own, line.code) if own.pattern else re.search(pattern, line.code)):
        raise Refused("code_invalid", _("网格代码“%(code)s”不合 %(pattern)s") % {"code": line.code, "pattern": pattern})
    _in_the_city(draft, line)
    area = _area_of(draft, line)
    line.refers["area"] = draft.known(AREAS, area)
    shape = line.values["shape"] = _placed(draft, line.row, Polygon, MultiPolygon)
    _within_community(draft, area, shape)
    present = draft.present[CELLS.name].get(line.code)
    if present:
        _same_ground(present, shape)
    if not line.values.get("opened_on"):
        line.values["opened_on"] = present.opened_on if present else draft.today


def component(draft: Draft, line: Line) -> None:
    _in_the_city(draft, line)
    classes = levels.top(line.code) + line.values["major"] + line.values["sub"]
    if draft.city.component_code:
        if not patterns.fits(draft.city.component_code, line.code):
            names = {"code": line.code, "pattern": draft.city.component_code.pattern}
            raise Refused("code_invalid", _("部件代码“%(code)s”不合 %(pattern)s") % names)
    elif not (line.code.isdigit() and line.code.startswith(classes) and len(line.code) > len(classes)):
        raise Refused(
            "code_invalid",
            _("部件代码“%(code)s”应以县级代码、大类、小类 %(classes)s 开头，后接顺序号")
            % {"code": line.code, "classes": classes},
        )
    shape = line.values["shape"] = _placed(draft, line.row)
    off = off_m(shape, draft.shape_of(CELLS, line.refers["cell"]))
    if off > NEAR_M:
        raise Refused(
            "component_outside_cell",
            _("部件在单元网格 %(cell)s 之外 %(off).0f 米：请核对坐标、坐标系或所属网格")
            % {"cell": line.refers["cell"], "off": off},
        )


def beat(draft: Draft, line: Line) -> None:
    _in_the_city(draft, line)


def officer(draft: Draft, line: Line) -> None:
    roles = line.row.list("roles")
    for role in roles or [""]:
        if role not in Role.values:
            raise Refused(
                "role_unknown",
                _("岗位“%(role)s”不认识：可用 %(known)s，多个之间用 | 隔开")
                % {"role": role, "known": _("、").join(Role.values)},
            )
    line.values["roles"] = roles
    spoilt.phone(line.values.get("phone", ""))
    present = draft.present[OFFICERS.name].get(line.code)
    if present is None:
        line.values["password"] = make_password(None)
    elif _belongs_elsewhere(draft, present):
        raise Refused("officer_elsewhere", _("用户名“%(code)s”属于另一座城市的人：请换一个") % {"code": line.code})


def _area_of(draft: Draft, line: Line) -> str:
    """The area that a cell lies in: a code that begins with the code of a community says it, or the column does."""
    said = line.row.fields.get("area", "")
    begins = line.code[: settings.AREA_WIDTHS[-1]]
    if said and begins not in draft.listed.get(AREAS.name, ()) and begins not in draft.present[AREAS.name]:
        return said
    _under(line, "area", begins)
    return begins


def _placed(draft: Draft, row: Row, *types: type[GEOSGeometry]) -> GEOSGeometry:
    """The row's shape, sound, and where its city is."""
    shape = sound(row.shape, *types)
    at_home(shape, draft.city.centre)
    return shape


def _in_the_city(draft: Draft, line: Line) -> None:
    if not draft.city.holds(line.code):
        raise Refused(
            "code_outside_city",
            _("代码“%(code)s”不以 city.json 中的区代码 %(districts)s 开头")
            % {"code": line.code, "districts": _("、").join(draft.city.districts)},
        )


def _under(line: Line, column: str, parent: str) -> None:
    """A file may repeat the parent in a column; then the two must agree."""
    said = line.row.fields.get(column, "")
    if said not in ("", parent):
        raise Refused(
            "parent_mismatch",
            _("代码“%(code)s”的上级应为 %(parent)s，这里写的是 %(said)s")
            % {"code": line.code, "parent": parent, "said": said},
        )


def _within_community(draft: Draft, code: str, shape: GEOSGeometry) -> None:
    community = draft.shape_of(AREAS, code)
    if community is None or draft.prepared(code, community).covers(shape):
        return
    outside = outside_m2(shape, community)
    if outside > draft.city.tolerance_m2:
        raise Refused(
            "cell_outside_area",
            _("有 %(m2).0f 平方米在%(level)s %(area)s 的范围之外：请改正图形或代码")
            % {"m2": outside, "level": levels.word_in_sentence("community"), "area": code},
        )


def _same_ground(present: Cell, shape: GEOSGeometry) -> None:
    """A code names one piece of ground for good: past cases lie there."""
    if present.closed_on and not present.shape.equals(shape):
        raise Refused(
            "cell_code_retired",
            _("代码“%(code)s”已于 %(day)s 停用，不能再给别的图形：请编一个新代码")
            % {"code": present.code, "day": present.closed_on},
        )
    if present.shape != shape and shared(present.shape, shape) < SAME_GROUND:
        raise Refused(
            "cell_code_reused",
            _("图形与代码“%(code)s”现有的网格大半不同：若是另一块地，请编一个新代码，旧代码从文件中删去即停用")
            % {"code": present.code},
        )


def _belongs_elsewhere(draft: Draft, present: Officer) -> bool:
    ties = [tie.code for tie in (present.department, present.area) if tie]
    return bool(ties) and not any(draft.city.holds(code) for code in ties)


def _parents_first(rows: list[Row]) -> list[Row]:
    """By depth in the tree that the column `parent` draws; rows on a ring come where they may: they are refused."""
    above = {row.fields["code"]: row.fields.get("parent", "") for row in rows}

    def depth(code: str, limit: int = 50) -> int:
        return 1 + depth(above[code], limit - 1) if above.get(code) and limit else 0

    return sorted(rows, key=lambda row: depth(row.fields["code"]))


def _short_codes_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: len(row.fields["code"]))


AREAS = Kind(
    "areas",
    Area,
    needs=("code", "name"),
    check=area,
    columns=("name", "name_en"),
    refers={"parent": None},
    order=_short_codes_first,
    holders=((Area, "parent"), (Cell, "area")),
)
DEPARTMENTS = Kind(
    "departments",
    Department,
    needs=("code", "name"),
    check=department,
    columns=("name", "name_en", "line"),
    refers={"parent": None, "area": AREAS},
    order=_parents_first,
    holders=((Department, "parent"),),
)
CELLS = Kind(
    "cells",
    Cell,
    needs=("code",),
    check=cell,
    columns=("region_class", "land_use", "opened_on"),
    refers={"area": AREAS},
    derived=("area",),
)
COMPONENTS = Kind(
    "components",
    Component,
    needs=("code", "name", "scheme", "major", "sub", "cell"),
    check=component,
    columns=("name", "scheme", "major", "sub", "state", "surveyed_on", "synthetic"),
    refers={"cell": CELLS, "owner": DEPARTMENTS, "maintainer": DEPARTMENTS, "supervisor": DEPARTMENTS},
)
BEATS = Kind("beats", Beat, needs=("code", "name", "cells"), check=beat, columns=("name",), lists={"cells": CELLS})
OFFICERS = Kind(
    "officers",
    Officer,
    needs=("username", "name", "roles"),
    check=officer,
    key="username",
    columns=("name", "phone", "language"),
    refers={"department": DEPARTMENTS, "area": AREAS},
    lists={"beats": BEATS},
)
KINDS = (AREAS, DEPARTMENTS, CELLS, COMPONENTS, BEATS, OFFICERS)  # each refers only to those before it
