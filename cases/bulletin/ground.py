"""The map of a bulletin: a drawing for each district, its communities shaded by what was filed there.

Outlines are simplified to what paper can show, so that a drawing stays small however fine the survey; a district with
very many communities is drawn by its streets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from grid import levels
from grid.models import Area
from grid.words import english

from . import draw

WIDE = 420.0
DETAIL = 400  # steps across: a wiggle below is not drawn
MOST = 1500  # shapes of a drawing

SQL = """
    WITH drawn AS (
        SELECT code, name, name_en, left(code, %(district)s) AS district, length(code) AS digits,
            ST_Transform(shape, 3857) AS shape
        FROM grid_area WHERE closed_on IS NULL AND shape IS NOT NULL AND length(code) IN (%(street)s, %(community)s)
    ), size AS (
        SELECT district, ST_XMin(e) AS x, ST_YMax(e) AS y,
            ST_XMax(e) - ST_XMin(e) AS wide, ST_YMax(e) - ST_YMin(e) AS high
        FROM (SELECT district, ST_Extent(shape) AS e FROM drawn GROUP BY district) AS extent
    )
    SELECT district, digits, code, name, name_en, high / wide, ST_AsSVG(ST_Scale(ST_Translate(
        ST_SimplifyPreserveTopology(shape, wide / %(detail)s), -x, -y), %(wide)s / wide, %(wide)s / wide), 0, 1)
    FROM drawn JOIN size USING (district) WHERE wide > 0 AND high > 0 ORDER BY code
"""


@dataclass(frozen=True)
class Drawing:
    """A district's name, its drawing, and its communities for a table."""

    name: str
    svg: SafeString


@dataclass(frozen=True)
class Key:
    """One shade of the legend, and what it stands for."""

    colour: str
    says: str


def drawings(filed: Mapping[str, int]) -> tuple[list[Drawing], list[Key]]:
    """A drawing of each district that has outlines, and the legend. One statement, and one for the names."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"detail": DETAIL, "wide": WIDE, **_widths()})
        rows = cursor.fetchall()
    names = {area.code: area for area in Area.objects.filter(code__in={row[0] for row in rows}).defer("shape")}
    bounds = draw.shades(filed.values())
    found = []
    for district in sorted({row[0] for row in rows}):
        area = names.get(district)
        name = str((english() and area.name_en) or area.name) if area else district
        mine = [row for row in rows if row[0] == district]
        found.append(Drawing(name, _drawn(district, name, mine, filed, bounds)))
    return found, _legend(bounds)


def _widths() -> dict[str, int]:
    """How long the codes are of what is drawn apart, of its thick lines and of its thin ones."""
    community = levels.width("community")
    return {"district": levels.width("district") or community, "street": levels.between(), "community": community}


def _drawn(
    district: str,
    name: str,
    rows: list[tuple[str, int, str, str, str, float, str]],
    filed: Mapping[str, int],
    bounds: list[int],
) -> SafeString:
    fine = [row for row in rows if row[1] == _widths()["community"]]
    streets = [row for row in rows if row[1] == _widths()["street"]]
    shapes = []
    for _district, _digits, code, own, own_en, _ratio, d in fine if 0 < len(fine) <= MOST else streets[:MOST]:
        n = sum(count for key, count in filed.items() if key.startswith(code))
        said = (english() and own_en) or own
        shapes.append((d, draw.shade(n, bounds), f"{said} {n}"))
    title = _("%(name)s：立案数") % {"name": name}
    lines = {name: levels.word_in_sentence(name) for name in ("community", "street")}
    told = _("颜色越深，立案越多；细线是%(community)s，粗线是%(street)s。") % lines
    size = (WIDE, round(WIDE * rows[0][5], 1))
    return draw.ground(f"map-{district}", title, told, size, shapes, [row[6] for row in streets[:MOST]])


def _legend(bounds: list[int]) -> list[Key]:
    if not bounds:
        return []
    keys = [Key("#f3f6f8", "0")]
    lows = [1, *bounds]
    for n, low in enumerate(lows):
        high = lows[n + 1] - 1 if n + 1 < len(lows) else None
        if high is None:
            keys.append(Key(draw.SHADES[n], f"≥ {low}"))
        elif high >= low:
            keys.append(Key(draw.SHADES[n], f"{low}–{high}" if high > low else str(low)))
    return keys
