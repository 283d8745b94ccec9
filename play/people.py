"""The people of the play. Each decides by dice that are his own, so that the same seed plays the same day.

A person has a phone and a desk: every so often he looks at what waits for him and acts. What he will do with a case
is thrown once for each case and stage, and does not depend on when he happens to look.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cases import models, rulebook, rules
from cases.flow import Verb
from fixtures.making.mix import MIX
from fixtures.making.plane import inside
from grid.crs import Crs, from_wgs84

from .phone import Phone

Case = dict[str, Any]
CALLED = ("hotline", "public")


@dataclass
class Person:
    """Somebody with a phone; `every` says how often he looks at his desk."""

    phone: Phone
    every: timedelta
    seed: str
    begins: int = 8  # the hours he works, local
    ends: int = 18
    plans: dict[str, Any] = field(default_factory=dict)

    def dice(self, *about: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, self.phone.username, *about))))

    def at_work(self, at: datetime) -> bool:
        return self.begins <= at.hour + at.minute / 60 < self.ends

    def turn(self, at: datetime) -> None:
        """Look at the desk once and act."""
        for case in self.phone.todo():
            act = self.acts().get(case["stage"]["code"])
            if act:
                act(case, at)

    def acts(self) -> dict[str, Callable[[Case, datetime], None]]:
        """What to do with a case at each stage."""
        return {}

    def due(self, case: Case, share: float) -> datetime:
        """The moment when a share of the time that a case has had since this person first saw it is used up."""
        first = self.plans.setdefault(f"{case['id']}:{case['due_at']}", self.phone.now())
        ends = datetime.fromisoformat(case["due_at"]) if case["due_at"] else first + timedelta(hours=1)
        return first + max(ends - first, timedelta(minutes=1)) * share


class Inspector(Person):
    """监督员: walks his beat, reports from his cells, verifies, checks, and looks again where the lot sends him."""

    def turn(self, at: datetime) -> None:
        dice = self.dice("walk", at)
        self.phone.duty(True)  # said again it changes nothing
        self.phone.walked(*self.somewhere(dice))
        super().turn(at)
        for errand in self.phone.errands():
            self.look_again(errand, at)
        if not self.at_work(at + self.every):
            self.phone.duty(False)

    def look_again(self, errand: dict[str, Any], at: datetime) -> None:
        dice = self.dice("recheck", errand["id"])
        if dice.random() < 0.2:
            self.phone.recheck(errand, "fails", self.phone.shoot(dice, "near"), "问题仍在，未真正处置。")
        else:
            self.phone.recheck(errand, "holds", self.phone.shoot(dice, "near"), "")

    def acts(self) -> dict[str, Callable[[Case, datetime], None]]:
        return {"verify": self.verify, "check": self.check}

    def see(self, at: datetime, n: int) -> None:
        """See something and report it."""
        dice = self.dice("see", n)
        category = self.subclass(dice)
        lon, lat = self.somewhere(dice)
        crs = dice.choice([Crs.WGS84, Crs.WGS84, Crs.GCJ02, Crs.BD09])
        handled = dice.random() < 0.04
        photos = self.phone.shots(dice, ["before", "after"] if handled else ["near", "far"])
        shifted = from_wgs84(lon, lat, crs)
        conditions = category["conditions"]
        report = {
            "id": self.phone.uuid("report", n),
            "category": category["id"],
            "condition": dice.choice(conditions)["id"] if conditions and dice.random() < 0.92 else None,
            "component": self._component(category, lon, lat),
            "point": {
                "lon": shifted[0],
                "lat": shifted[1],
                "crs": crs,
                "accuracy_m": round(dice.uniform(4, 30), 1),
                "provider": "gps",
                "fixed_at": at.isoformat(),
            },
            "captured_at": at.isoformat(),
            "text": category["name"],
            "photos": photos.named,
            "handled": handled,
        }
        late = dice.random() < 0.2  # no network for the photos yet
        if not late:
            self.phone.upload(photos)
        self.phone.report(report)
        if dice.random() < 0.1:
            self.phone.report(report)  # the answer was lost, so the phone sends it again
        if late and dice.random() < 0.9:
            self.phone.upload(photos)

    def subclass(self, dice: random.Random) -> Case:
        """A sub-class, as often as in a real district."""
        known = {category["name"]: category for category in self.phone.city["categories"]}
        names = [name for name in MIX if name in known]
        return known[dice.choices(names, [MIX[name] for name in names])[0]]

    def somewhere(self, dice: random.Random) -> tuple[float, float]:
        """A point inside one of my cells."""
        ring = dice.choice(self.phone.city["cells"]["features"])["geometry"]["coordinates"][0]
        for _try in range(50):
            lon = dice.uniform(min(x for x, _y in ring), max(x for x, _y in ring))
            lat = dice.uniform(min(y for _x, y in ring), max(y for _x, y in ring))
            if inside((lon, lat), ring):
                return lon, lat
        return tuple(ring[0])

    def _component(self, category: Case, lon: float, lat: float) -> str:
        if category["kind"]["code"] != "component":
            return ""
        near = self.phone.components(lon, lat, category["id"])
        return near[0]["code"] if near else ""

    def verify(self, case: Case, at: datetime) -> None:
        dice = self.dice("verify", case["id"])
        if at >= self.due(case, dice.uniform(0.2, 1.2)):
            verdict = "true" if dice.random() < 0.8 else "false"
            self.phone.move(case, "verify", photos=self.phone.shoot(dice, "near"), verdict=verdict)

    def check(self, case: Case, at: datetime) -> None:
        dice = self.dice("check", case["id"], case["due_at"])
        if at < self.due(case, dice.uniform(0.2, 1.3)):
            return
        if dice.random() < 0.12:
            self.phone.move(case, "rework", note="现场仍未恢复，请重新处置。")
        else:
            self.phone.move(case, "pass", photos=self.phone.shoot(dice, "near"))


class Handler(Person):
    """处置员: accepts, does the work, sometimes asks, sometimes is late, and forgets one in twenty."""

    def acts(self) -> dict[str, Callable[[Case, datetime], None]]:
        return {"handling": self.work}

    def work(self, case: Case, at: datetime) -> None:
        dice = self.dice("work", case["id"])
        share = dice.choices([0.5, 1.4, 3.0, 40.0], [80, 11, 4, 5])[0]
        asks, accepts = dice.random(), dice.random() < 0.7
        share *= dice.uniform(0.4, 1.3)
        if case["source"]["code"] in CALLED and "called" + case["id"] not in self.plans:
            talks = self.dice("contact", case["id"])
            if talks.random() < 0.85 and at >= self.due(case, talks.uniform(0, 0.3)):
                self.plans["called" + case["id"]] = True
                self.phone.move(case, "contact", note="已与来电人联系，约定处置时间。")
        if accepts and case["holder"] is None and "accepted" + case["id"] not in self.plans:
            self.plans["accepted" + case["id"]] = True
            self.phone.move(case, "accept")
        if asks < 0.1 and "asked" + case["id"] not in self.plans and case["asks"] is None:
            self.plans["asked" + case["id"]] = True
            wish = "decline" if asks < 0.04 else "extend" if asks < 0.08 else "shelve"
            ground = self.phone.ground(wish, dice)
            note = "不属本单位职责。" if wish == "decline" else "需要更多时间。"
            self.phone.move(case, "ask", asks=wish, note=note, **ground)
        elif case["asks"] is None and at >= self.due(case, share):
            self.phone.move(case, "finish", photos=self.phone.shoot(dice, "after"), note="已处置完毕。")


class Clerk(Person):
    """受理员: registers the hotline, files, orders checks, closes, and calls back."""

    def acts(self) -> dict[str, Callable[[Case, datetime], None]]:
        return {"filing": self.file, "feedback": self.order, "closing": self.close}

    def take(self, at: datetime, n: int) -> None:
        """Take a call and register it. The clerk has no beat: the caller names a place."""
        dice = self.dice("call", n)
        inspector = dice.choice(self.plans["inspectors"])
        category = inspector.subclass(dice)
        lon, lat = inspector.somewhere(dice)
        self.phone.report(
            {
                "id": self.phone.uuid("call", n),
                "category": category["id"],
                "point": {"lon": lon, "lat": lat, "crs": "wgs84"},
                "text": f"市民来电反映：{category['name']}。",
                "source": "hotline" if dice.random() < 0.6 else "public",
            }
        )

    def file(self, case: Case, at: datetime) -> None:
        dice = self.dice("file", case["id"])
        if at < self.due(case, dice.uniform(0.1, 1.1)):
            return
        category = self.phone.category(case["category"]["id"])
        if dice.random() < 0.05 or not category["conditions"]:
            self.phone.move(case, "void", note="不符合立案条件。")
        else:
            self.phone.move(case, "file", condition=category["conditions"][-1]["id"])

    def turn(self, at: datetime) -> None:
        super().turn(at)
        for doubt in self.phone.doubts():
            self.phone.decide(doubt, upheld=self.dice("doubt", doubt["id"]).random() < 0.7)
        for case in self.phone.to_call():
            self.call_back(case, at)

    def call_back(self, case: Case, at: datetime) -> None:
        """Now and then somebody answers; most are content, and who is not may see his case reopened."""
        dice = self.dice("call_back", case["id"], case["call_by"], at)
        if dice.random() > 0.3:
            return
        turn = f"{case['call_by']} {at}"
        if dice.random() < 0.25:
            self.phone.move(case, "call_back", turn=turn, outcome="unreached")
        elif dice.random() < 0.85:
            rating = dice.choice((3, 4, 5, 5))
            self.phone.move(case, "call_back", turn=turn, outcome="solved", rating=rating, note="来电人表示感谢。")
        else:
            said = {"outcome": "unsolved", "rating": dice.choice((1, 2)), "note": "来电人称问题仍在。"}
            self.phone.move(case, "call_back", turn=turn, **said)
            if dice.random() < 0.5:
                self.phone.move(self.phone.stays(case), "reopen", turn=turn, note="来电人称问题仍在，请再处置。")

    def order(self, case: Case, at: datetime) -> None:
        self.phone.move(case, "order_check")

    def close(self, case: Case, at: datetime) -> None:
        if at >= self.due(case, self.dice("close", case["id"]).uniform(0.1, 1.05)):
            for flag in self.phone.flags(case):
                self.phone.answer(case, flag)
            self.phone.move(case, "close")


class Dispatcher(Person):
    """派遣员: dispatches what no rule could, answers what departments ask."""

    def acts(self) -> dict[str, Callable[[Case, datetime], None]]:
        return {"dispatch": self.dispatch, "handling": self.answer}

    def dispatch(self, case: Case, at: datetime) -> None:
        dice = self.dice("dispatch", case["id"])
        if at >= self.due(case, dice.uniform(0.2, 1.2)):
            self.phone.move(case, "dispatch", department=self.whose(case, dice))

    def whose(self, case: Case, dice: random.Random) -> int:
        """Nearly always whom the system suggests; somebody else where that is nobody, or who gave the case back."""
        found = models.Case.objects.select_related("cell__area").get(uuid=case["id"])
        declined = set(found.events.filter(verb=Verb.DECLINE).values_list("department", flat=True))
        suggested, _why = rules.route(rulebook.current(), found)
        if suggested and suggested.pk not in declined and dice.random() < 0.97:
            return int(suggested.pk)
        known: list[int] = self.plans["departments"]
        return dice.choice([pk for pk in known if pk not in declined] or known)

    def answer(self, case: Case, at: datetime) -> None:
        if case["asks"] is None:
            return
        dice = self.dice("answer", case["id"])
        wish = case["asks"]["code"]
        if at < self.due(case, 0.02):
            return
        if dice.random() < 0.3:
            self.phone.move(case, "refuse", note="理由不足，请按期处置。")
        elif wish == "decline":
            self.phone.move(case, "decline", note="同意，另行派遣。", **self.phone.ground("decline", dice))
        elif wish == "extend":
            unit = self.phone.clock(case)
            limit = {"value": 1, "unit": "urgent_hour" if unit.startswith("urgent") else "work_hour"}
            self.phone.move(case, "extend", limit=limit, note="同意延期。")
        else:
            until = (at + timedelta(hours=dice.randint(3, 72))).isoformat()
            self.phone.move(case, "shelve", until=until, note="同意挂账。", **self.phone.ground("shelve", dice))


class Leader(Person):
    """督办领导: presses what is late."""

    def turn(self, at: datetime) -> None:
        for case in self.phone.todo()[:3]:
            if not case["supervised"] and self.dice("press", case["id"]).random() < 0.2:
                self.phone.move(case, "supervise", note="请抓紧办理并说明原因。")
