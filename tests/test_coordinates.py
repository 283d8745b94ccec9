"""A phone says where it stands in one of four systems; the city keeps one."""

from __future__ import annotations

import csv
from math import atan2, cos, hypot, inf, nan, pi, sin
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.crs import Crs, InvalidPosition, Position, UnknownCrs, from_wgs84, metres, to_wgs84

VECTORS = Path(__file__).parents[1] / "fixtures" / "coordinates" / "vectors.csv"
JIEGU = (97.0085, 33.0053)

crs = st.sampled_from(Crs)
inside = st.tuples(st.floats(72.004, 137.8347), st.floats(0.8293, 55.8271))
anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def far_outside(position: Position) -> bool:
    lon, lat = position
    return not (71.9 < lon < 137.95 and 0.7 < lat < 55.95)


def vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def position(row: dict[str, str], system: str) -> Position | None:
    lon, lat = row[f"{system}_lon"], row[f"{system}_lat"]
    return (float(lon), float(lat)) if lon else None


def odd(row: dict[str, str]) -> bool:
    return row["name"] == "bd->wgs"


@pytest.mark.parametrize(("system", "crs", "known"), [("gcj", Crs.GCJ02, 667), ("bd", Crs.BD09, 664)])
def test_published_vectors_agree_within_two_metres(system: str, crs: Crs, known: int) -> None:
    pairs = [(position(row, "wgs"), position(row, system)) for row in vectors() if not odd(row)]
    compared = [(wgs84, shifted) for wgs84, shifted in pairs if wgs84 and shifted]
    assert len(compared) == known
    for wgs84, shifted in compared:
        assert metres(from_wgs84(*wgs84, crs), shifted) < 2
        assert metres(to_wgs84(*shifted, crs), wgs84) < 2


def test_two_published_rows_follow_another_formula() -> None:
    """They hold only with a ripple of π where the other 664 rows have 3000 π / 180."""
    for row in filter(odd, vectors()):
        (lon, lat), wgs84 = position(row, "bd") or JIEGU, position(row, "wgs") or JIEGU
        assert 10 < metres(to_wgs84(lon, lat, Crs.BD09), wgs84) < 42
        x, y = lon - 0.0065, lat - 0.006
        radius, angle = hypot(x, y) - 2e-5 * sin(y * pi), atan2(y, x) - 3e-6 * cos(x * pi)
        gcj02 = radius * cos(angle), radius * sin(angle)
        assert metres(to_wgs84(*gcj02, Crs.GCJ02), wgs84) < 2


def test_a_wrong_system_at_jiegu_is_off_by_240_metres() -> None:
    gcj02, bd09 = from_wgs84(*JIEGU, Crs.GCJ02), from_wgs84(*JIEGU, Crs.BD09)
    assert gcj02 == pytest.approx((97.0089391908, 33.0031670102), abs=1e-9)
    assert bd09 == pytest.approx((97.0155251801, 33.0089245036), abs=1e-9)
    assert metres(JIEGU, gcj02) == pytest.approx(240.7, abs=0.05)
    assert metres(JIEGU, bd09) == pytest.approx(769, abs=0.5)


@given(inside, crs)
def test_there_and_back_is_the_same_place_to_a_micrometre(there: Position, crs: Crs) -> None:
    back = to_wgs84(*from_wgs84(*there, crs), crs)
    assert metres(there, back) < 1e-6


@given(inside, st.sampled_from([Crs.GCJ02, Crs.BD09]))
def test_inside_the_box_the_shifted_systems_do_shift(there: Position, crs: Crs) -> None:
    assert metres(there, from_wgs84(*there, crs)) > 1


@given(anywhere.filter(far_outside), crs)
def test_outside_china_nothing_moves(there: Position, crs: Crs) -> None:
    assert from_wgs84(*there, crs) == there
    assert to_wgs84(*there, crs) == there


@given(anywhere, st.sampled_from([Crs.WGS84, Crs.CGCS2000]))
def test_the_national_system_is_taken_for_wgs84(there: Position, crs: Crs) -> None:
    assert to_wgs84(*there, crs) == from_wgs84(*there, crs) == there


@pytest.mark.parametrize("lonlat", [(nan, 33.0), (97.0, nan), (inf, 33.0), (97.0, -inf), (180.1, 33.0), (33.0, 97.0)])
def test_what_is_no_place_on_earth_is_refused(lonlat: Position) -> None:
    for convert in (to_wgs84, from_wgs84):
        with pytest.raises(InvalidPosition) as refusal:
            convert(*lonlat, Crs.GCJ02)
        assert refusal.value.code == "position_invalid"


def test_an_unknown_system_is_refused_by_name() -> None:
    with pytest.raises(UnknownCrs, match="epsg:3857") as refusal:
        to_wgs84(*JIEGU, "epsg:3857")
    assert refusal.value.code == "crs_unknown"


def test_stored_names_serve_as_well_as_members() -> None:
    assert to_wgs84(*JIEGU, "gcj02") == to_wgs84(*JIEGU, Crs.GCJ02)


def test_distance_is_that_of_the_sphere() -> None:
    assert metres((0, 0), (0, 1)) == pytest.approx(111_195, abs=1)
    assert metres((97, 33), (98, 33)) == pytest.approx(93_255, abs=5)
    assert metres((0, 0), (180, 0)) == pytest.approx(20_015_114, abs=1)
    assert metres(JIEGU, JIEGU) == 0
