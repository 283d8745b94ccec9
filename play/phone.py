"""A simulated phone: real HTTP, real JPEG bytes, and the patience of a real one when the network fails."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
from django.utils import timezone

from grid import moment

from .shots import draw

RACES = {
    "not_now",
    "already_accepted",
    "already_asked",
    "nothing_asked",
    "held_by_another",
    "not_found",
    "nothing_flagged",
    "flag_unknown",
    "made_unseen",
    "overtaken",
    "recheck_over",
    "nothing_doubted",
    "shift_overlaps",  # the same day is played again
}
TERMS = {"already_late", "window_closed", "taken_enough", "leader_decides", "limit_too_long"}  # a refusal is life, too
TRIES = 3


@dataclass(frozen=True)
class Shots:
    """Photos that were taken: their bytes, and how a report names them."""

    bodies: dict[str, bytes]
    named: list[dict[str, str]]


class Phone:
    """One person's phone. `counts` is shared by all phones: what was done, refused, and what went wrong."""

    def __init__(self, url: str, username: str, password: str, run: str, counts: Counter[str], problems: list[str]):
        self.username, self.run, self.counts, self.problems = username, run, counts, problems
        self.http = httpx.Client(base_url=url, timeout=30)
        self.lock = threading.Lock()
        answer = self.http.post("/api/auth/app/v1/auth/login", json={"username": username, "password": password})
        answer.raise_for_status()
        self.http.headers["X-Session-Token"] = answer.json()["meta"]["session_token"]

    def now(self) -> datetime:
        return timezone.localtime(moment.now())

    def uuid(self, *about: object) -> str:
        return str(uuid5(NAMESPACE_URL, ":".join(map(str, (self.run, self.username, *about)))))

    @cached_property
    def city(self) -> dict[str, Any]:
        return self._ask("GET", "city").json()

    def category(self, pk: int) -> dict[str, Any]:
        return next(category for category in self.city["categories"] if category["id"] == pk)

    def components(self, lon: float, lat: float, category: int) -> list[dict[str, Any]]:
        where = {"lon": lon, "lat": lat, "crs": "wgs84", "category": category, "radius_m": 200}
        return self._ask("GET", "components", params=where).json()

    def todo(self) -> list[dict[str, Any]]:
        """All that waits for me, page by page."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self._ask("GET", "cases", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    def to_call(self) -> list[dict[str, Any]]:
        """Closed cases whose caller nobody has asked yet, the first page."""
        return self._ask("GET", "cases", params={"view": "call_back", "limit": 100}).json()["items"]

    def clock(self, case: dict[str, Any]) -> str:
        said = self._ask("GET", f"cases/{case['id']}").json()["deadline"]["clock"]
        return said["code"] if said else ""

    def report(self, said: dict[str, Any]) -> None:
        self._count("report", self._ask("POST", "cases", json=said))

    def stays(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case, or that which it was linked to: what was closed with another is reopened with it."""
        same_as = self._ask("GET", f"cases/{case['id']}").json()["same_as"]
        return self._ask("GET", f"cases/{same_as['id']}").json() if same_as else case

    def ground(self, verb: str, dice: random.Random) -> dict[str, str]:
        """A ground from the list, if there is one. Who grants says it too: another may have refused meanwhile."""
        codes = [row["code"] for row in self.city["grounds"] if row["verb"] == verb]
        return {"ground": dice.choice(codes)} if codes else {}

    def duty(self, on: bool) -> None:
        self._count("duty", self._ask("PUT", "duty", json={"on": on}))

    def walked(self, lon: float, lat: float) -> None:
        """Say where I am."""
        point = {"at": self.now().isoformat(), "lon": lon, "lat": lat, "accuracy_m": 12}
        self._count("position", self._ask("POST", "duty/track", json={"crs": "wgs84", "points": [point]}))

    def errands(self) -> list[dict[str, Any]]:
        """What I am to look at again."""
        return self._ask("GET", "me/rechecks").json()

    def recheck(self, errand: dict[str, Any], verdict: str, photos: list[dict[str, str]], note: str) -> None:
        said = {"verdict": verdict, "photos": photos, "note": note, "key": self.uuid("recheck", errand["id"])}
        self._count("recheck", self._ask("POST", f"me/rechecks/{errand['id']}", json=said))

    def doubts(self) -> list[dict[str, Any]]:
        """What re-checks have doubted and nobody has answered."""
        return self._ask("GET", "rechecks", params={"view": "waiting"}).json()["items"]

    def decide(self, doubt: dict[str, Any], *, upheld: bool) -> None:
        said = {"upheld": upheld, "note": "已核对现场照片。", "key": self.uuid("decide", doubt["id"])}
        self._count("decide", self._ask("POST", f"rechecks/{doubt['id']}/decision", json=said))

    def flags(self, case: dict[str, Any]) -> list[dict[str, Any]]:
        """What a clerk must look at before the case is closed, and nobody has answered."""
        told = self._ask("GET", f"cases/{case['id']}").json()["raised"]
        return [flag for flag in told if flag["answered_at"] is None]

    def answer(self, case: dict[str, Any], flag: dict[str, Any]) -> None:
        said = {"note": "已核对照片，情况属实。", "accepted": True, "key": self.uuid("answer", case["id"], flag["id"])}
        self._count("answer", self._ask("POST", f"cases/{case['id']}/flags/{flag['id']}", json=said))

    def move(self, case: dict[str, Any], verb: str, *, turn: object = "", **facts: Any) -> None:
        """`turn` tells apart what is done to a case as it stands more than once."""
        key = self.uuid(verb, case["id"], case["due_at"], case["level"], turn)
        self._count(verb, self._ask("POST", f"cases/{case['id']}/moves", json={"verb": verb, "key": key, **facts}))

    def shots(self, dice: random.Random, purposes: Sequence[str]) -> Shots:
        bodies = [draw(dice, self.username, 640) for _purpose in purposes]
        hashes = [hashlib.sha256(body).hexdigest() for body in bodies]
        named = [{"sha256": sha, "purpose": purpose} for sha, purpose in zip(hashes, purposes, strict=True)]
        return Shots(dict(zip(hashes, bodies, strict=True)), named)

    def shoot(self, dice: random.Random, *purposes: str) -> list[dict[str, str]]:
        """Take photos and upload them at once."""
        shots = self.shots(dice, purposes)
        self.upload(shots)
        return shots.named

    def upload(self, shots: Shots) -> None:
        for sha, body in shots.bodies.items():
            self._count(
                "photo", self._ask("PUT", f"photos/{sha}", content=body, headers={"Content-Type": "image/jpeg"})
            )

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask, and again when the network fails: the same id or key makes that safe."""
        for attempt in range(TRIES):
            try:
                with self.lock:
                    return self.http.request(method, f"/api/mobile/v1/{path}", **more)
            except httpx.TransportError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _count(self, what: str, answer: httpx.Response) -> None:
        if answer.is_success:
            self.counts[what] += 1
            return
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if problem.get("code") in RACES | TERMS:  # somebody else was faster, as in life
            self.counts["too late"] += 1
            return
        self.counts["errors"] += 1
        self.problems.append(f"{what} by {self.username}: {answer.status_code} {problem or answer.text[:300]}")
