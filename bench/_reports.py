"""What the phones of a city send: real inspectors, logged in, and reports of their own from real cells."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from django.db import connection

from cases.loading import demo
from grid.crs import Crs, from_wgs84
from grid.roles import Role

INSPECTORS = 8
POINTS_A_CELL = 4
POINTS = """
    SELECT ST_X(point), ST_Y(point)
    FROM (SELECT (ST_Dump(ST_GeneratePoints(cell.shape, %s, cell.id::integer))).geom AS point
          FROM grid_cell AS cell JOIN grid_area AS area ON area.id = cell.area_id
          WHERE cell.closed_on IS NULL AND area.code LIKE %s) AS points
"""


class Street:
    """Where reports come from: the first demo city, through the interface of the running server."""

    def __init__(self, address: str, seed: str = "1"):
        self.dice = random.Random(seed)
        self.tokens = [self._log_in(address, name) for name in _inspectors()[:INSPECTORS]]
        self.points = _points()
        self.conditions = [
            (category["id"], condition["id"])
            for category in _city(address, self.tokens[0])["categories"]
            if category["kind"]["code"] == "event"
            for condition in category["conditions"]
            if not condition["region_class"]
        ]

    @staticmethod
    def _log_in(address: str, username: str) -> str:
        said = {"username": username, "password": demo.PASSWORD}
        answer = httpx.post(f"{address}/api/auth/app/v1/auth/login", json=said, trust_env=False)
        return str(answer.raise_for_status().json()["meta"]["session_token"])

    def reports(self, photos: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
        """A token and a report of its inspector, for ever. Each names so many photos that are still to come."""
        for token in itertools.cycle(self.tokens):
            yield token, self._report(photos)

    def _report(self, photos: int) -> dict[str, Any]:
        category, condition = self.dice.choice(self.conditions)
        crs = self.dice.choice((Crs.WGS84, Crs.GCJ02))
        lon, lat = from_wgs84(*self.dice.choice(self.points), crs)
        seen = datetime.now(UTC).isoformat()
        return {
            "id": str(uuid4()),
            "category": category,
            "condition": condition,
            "point": {"lon": lon, "lat": lat, "crs": crs, "accuracy_m": 8, "provider": "gps", "fixed_at": seen},
            "captured_at": seen,
            "text": "人行道上有杂物，行人需要绕行。",
            "photos": [
                {"sha256": sha256(self.dice.randbytes(16)).hexdigest(), "purpose": purpose}
                for purpose in ("near", "far")[:photos]
            ],
        }

    def write(self, path: Path, count: int, photos: int = 0) -> None:
        """Reports for report.lua, one a line."""
        with path.open("w") as file:
            for token, said in itertools.islice(self.reports(photos), count):
                file.write(f"{token}\t{json.dumps(said, ensure_ascii=False)}\n")


def send(address: str, token: str, said: dict[str, Any]) -> dict[str, Any]:
    """One report by hand; the case as the phone is told it. Raises httpx.HTTPStatusError."""
    headers = {"X-Session-Token": token}
    answer = httpx.post(f"{address}/api/mobile/v1/cases", json=said, headers=headers, trust_env=False)
    return dict(answer.raise_for_status().json())


def _city(address: str, token: str) -> dict[str, Any]:
    answer = httpx.get(f"{address}/api/mobile/v1/city", headers={"X-Session-Token": token}, trust_env=False)
    return dict(answer.raise_for_status().json())


def _inspectors() -> list[str]:
    return [row["username"] for row in demo.people(demo.CITIES[0]) if Role.INSPECTOR in row["roles"].split("|")]


def _points() -> list[tuple[float, float]]:
    (district,) = json.loads((demo.CITIES[0] / "city.json").read_text())["districts"]
    with connection.cursor() as cursor:
        cursor.execute(POINTS, [POINTS_A_CELL, f"{district}%"])
        return list(cursor.fetchall())
