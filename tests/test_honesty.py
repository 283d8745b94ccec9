"""What the evidence shows that needs an answer: asked of a clerk before closing, and never an accusation."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from cases import flags, outbox, photos
from cases.flow import Purpose, Stage, Verb
from cases.models import Case, Flag, Photo, Policy
from cases.photos import alike, picture
from grid.models import Officer
from grid.roles import Role

from . import acts, log, pictures
from . import city as town
from .acts import move, refused

ONE, OTHER = pictures.real("landscape_1.jpg"), pictures.saved(pictures.opened(pictures.real("DSCN0010.jpg")))
ANEW = pictures.saved(pictures.opened(ONE).resize((300, 225)), quality=50)
TURNED = pictures.real("landscape_6.jpg")  # the same scene, lying, and put upright by its EXIF


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    }


def kept(body: bytes, by: Officer) -> str:
    """A real photo that has arrived."""
    return photos.keep(hashlib.sha256(body).hexdigest(), body, by=by)[0].pk


def finished(city: SimpleNamespace, body: bytes, **said: Any) -> Case:
    """A case that hugo finished with this photo."""
    return move(town.report(city, **said), Verb.FINISH, city.hugo, photos=((kept(body, city.hugo), Purpose.AFTER),))


def passed(case: Case, city: SimpleNamespace) -> Case:
    """Checked by ivan; the worker has been at it."""
    case = acts.passed(case, city.ivan)
    outbox.drain()
    return case


def raised(case: Case) -> list[str]:
    return list(case.flags.order_by("id").values_list("code", flat=True))


def answer(phone: Client, case: Case, flag: int, **said: Any):
    body = {"note": "同一路口的两个井盖", "accepted": True} | said
    return phone.post(f"{acts.CASES}/{case.uuid}/flags/{flag}", json.dumps(body), content_type="application/json")


# The same picture


@pytest.mark.parametrize("again", [ONE, ANEW, TURNED], ids=["the same bytes", "saved anew", "turned by EXIF"])
def test_a_picture_shown_in_another_case_is_asked_about(again: bytes, city: SimpleNamespace, clock) -> None:
    first = finished(city, ONE)
    second = finished(city, again)
    outbox.drain()
    assert (raised(first), raised(second)) == ([], ["photo_again"])  # who showed it first is not asked
    flag = second.flags.get()
    assert (flag.other, flag.photo.sha256) == (first, hashlib.sha256(again).hexdigest())
    assert flag.figure <= alike.REACH


def test_another_picture_is_another(city: SimpleNamespace, clock) -> None:
    finished(city, ONE)
    second = finished(city, OTHER)
    outbox.drain()
    assert raised(second) == []


def test_pictures_that_show_nothing_are_not_alike(city: SimpleNamespace, clock) -> None:
    dark = [pictures.saved(pictures.plain(shade)) for shade in ("black", "white")]
    assert [picture.look(body).looks for body in dark] == [0, 0]
    cases = [finished(city, body) for body in dark]
    outbox.drain()
    assert [raised(case) for case in cases] == [[], []]


@pytest.mark.parametrize("purpose", [Purpose.BEFORE, Purpose.NEAR, Purpose.FAR])
def test_after_that_is_like_before_is_asked_about(purpose: Purpose, city: SimpleNamespace, clock) -> None:
    shown = ((kept(ONE, city.ann), purpose),)
    assert raised(_drained(finished(city, ANEW, photos=shown))) == ["photo_same"]
    assert raised(_drained(finished(city, OTHER, photos=((kept(OTHER, city.ann), purpose),)))) == ["photo_same"]


def _drained(case: Case) -> Case:
    outbox.drain()
    return case


def test_on_the_spot_before_and_after_are_two_pictures(city: SimpleNamespace, clock) -> None:
    sha = kept(ONE, city.ann)
    case = town.report(city, handled=True, photos=((sha, Purpose.AFTER), (sha, Purpose.BEFORE)))
    assert raised(case) == ["photo_same"]
    sha = kept(OTHER, city.ann)
    assert raised(_drained(town.report(city, photos=((sha, Purpose.NEAR), (sha, Purpose.FAR))))) == []


def test_a_photo_that_comes_late_is_looked_at_too(city: SimpleNamespace, clock) -> None:
    sha = hashlib.sha256(ANEW).hexdigest()
    finished(city, ONE)
    late = town.report(city, photos=((sha, Purpose.NEAR),))
    outbox.drain()
    assert raised(late) == []
    kept(ANEW, city.ann)
    flags.arrived(sha)  # as keep() has asked the worker to
    assert raised(late) == ["photo_again"]


def test_a_photo_without_a_look_is_given_one(city: SimpleNamespace, clock) -> None:
    sha = kept(ONE, city.ann)
    looks = Photo.objects.get(pk=sha).looks
    Photo.objects.update(looks=None, bands=None)
    photos.shrink(sha)
    photo = Photo.objects.get(pk=sha)
    assert (photo.looks, photo.bands) == (looks, alike.bands(looks))


# What else is asked


def test_a_simulated_position_and_a_photo_from_elsewhere_are_asked_about(city: SimpleNamespace, clock) -> None:
    far = pictures.snap(exif=pictures.gps([(22, 1), (30, 1), (0, 1)], [(114, 1), (0, 1), (0, 1)]))
    case = town.report(city, origin={"mock": True}, photos=((kept(far, city.ann), Purpose.NEAR),))
    outbox.drain()
    assert sorted(raised(case)) == ["mock", "photo_far"]
    outbox.drain()
    flags.look(case)
    assert case.flags.count() == 2


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        (timedelta(minutes=-1), []),
        (timedelta(hours=-23), []),
        (timedelta(minutes=9), []),
        (timedelta(minutes=11), [("seen_ahead", 11)]),
        (timedelta(days=400), [("seen_ahead", 400 * 1440)]),
        (timedelta(hours=-25), [("seen_old", 1500)]),
    ],
    ids=str,
)
def test_a_report_whose_moment_is_odd_is_kept_and_asked_about(
    seen: timedelta, asked: list[tuple[str, float]], city: SimpleNamespace, clock
) -> None:
    case = town.report(city, origin={"captured_at": (town.MONDAY + seen).isoformat()})
    outbox.drain()
    assert case.stage == Stage.HANDLING
    assert list(case.flags.values_list("code", "figure")) == asked
    shown = acts.seen(town.phone(city.carl), case)["flags"]
    assert [(flag["code"], flag["figure"]) for flag in shown] == asked


# The answer


@pytest.fixture
def doubted(city: SimpleNamespace, clock) -> Case:
    """Checked and passed, with one flag."""
    finished(city, ONE)
    return passed(finished(city, ANEW), city)


def test_a_case_is_closed_only_when_its_flags_are_answered(doubted: Case, city: SimpleNamespace) -> None:
    carl, flag = town.phone(city.carl), doubted.flags.get()
    refusal = acts.say(carl, doubted, verb="close")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "flags_open")
    assert refusal.json()["detail"] == "结案前须先核验这些疑点：照片曾用于其他案卷。"
    assert refusal.json()["flags"] == [flag.pk]
    assert acts.can(carl, doubted) == {"answer", "hasten"}
    seen = answer(carl, doubted, flag.pk).json()
    assert [(asked["code"], asked["answered_by"], asked["accepted"]) for asked in seen["raised"]] == [
        ("photo_again", "Carl", True)
    ]
    assert log.verbs(doubted).endswith("pass answer")
    assert acts.say(carl, doubted, verb="close").json()["stage"]["code"] == "closed"


def test_an_answer_is_given_once(doubted: Case, city: SimpleNamespace) -> None:
    carl, flag = town.phone(city.carl), doubted.flags.get()
    assert answer(carl, doubted, flag.pk, accepted=False).status_code == 200
    assert Flag.objects.get().accepted is False
    again = answer(carl, doubted, flag.pk)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_flagged")
    assert Flag.objects.get().accepted is False


def test_a_flag_of_another_case_is_unknown(doubted: Case, city: SimpleNamespace) -> None:
    other = passed(finished(city, TURNED), city)
    refusal = answer(town.phone(city.carl), doubted, other.flags.get().pk)
    assert (refusal.status_code, refusal.json()["code"]) == (422, "flag_unknown")


def test_those_of_the_centre_see_flags_and_the_handler_only_after_the_end(doubted: Case, city: SimpleNamespace) -> None:
    handler, flag = town.phone(city.hugo), doubted.flags.get()
    for officer in (city.carl, city.aude):
        assert len(acts.seen(town.phone(officer), doubted)["raised"]) == 1
    assert acts.seen(handler, doubted)["raised"] == []
    assert answer(handler, doubted, flag.pk).status_code == 403
    move(doubted, Verb.ANSWER, city.carl, flag=flag.pk, note="好")
    assert "answer" not in {line["verb"]["code"] for line in acts.seen(handler, doubted)["log"]}
    move(doubted, Verb.CLOSE, city.carl)
    seen = acts.seen(handler, doubted)
    assert len(seen["raised"]) == 1
    assert "answer" in {line["verb"]["code"] for line in seen["log"]}


def test_the_system_does_not_close_over_a_flag_and_says_why(city: SimpleNamespace, clock) -> None:
    Policy.objects.create(verb=Verb.CLOSE, automatic=True)
    finished(city, ONE)
    case = finished(city, OTHER)
    sha = kept(ANEW, city.ivan)
    case = move(case, Verb.PASS, city.ivan, photos=((sha, Purpose.NEAR),))  # found in the same breath
    assert case.stage == Stage.CLOSING
    assert acts.codes(acts.last(case), "waits") == ["flags_open"]
    assert raised(case) == ["photo_again"]
    assert acts.seen(town.phone(city.hugo), case)["log"][-1]["waits"] == []
    clean = acts.passed(town.finish(town.report(city), city.hugo), city.ivan)
    assert clean.stage == Stage.CLOSED


def test_who_did_the_work_does_not_answer(city: SimpleNamespace, clock) -> None:
    finished(city, ONE)
    Officer.objects.filter(pk=city.hugo.pk).update(roles=[Role.HANDLER, Role.CLERK])
    city.hugo.refresh_from_db()
    case = passed(finished(city, ANEW), city)
    flag = case.flags.get().pk
    assert refused(case, Verb.ANSWER, city.hugo, flag=flag, note="好").code == "same_hand"
    clock.shift(timedelta(minutes=1))
    move(case, Verb.ANSWER, city.carl, flag=flag, note="好", accepted=True)
    assert Flag.objects.get(pk=flag).answered_at == acts.last(case).at


# What has no other proof


def test_a_photo_that_never_came_is_asked_about_where_it_is_the_only_proof(city: SimpleNamespace, clock) -> None:
    shas = {purpose: uuid4().hex * 2 for purpose in (Purpose.BEFORE, Purpose.AFTER)}
    case = town.report(city, handled=True, photos=tuple((sha, purpose) for purpose, sha in shas.items()))
    assert (case.flags.get().code, case.flags.get().figure) == ("photo_absent", 2)
    assert acts.refused(case, Verb.CLOSE, city.carl).code == "flags_open"
    for sha in shas.values():
        town.photo(city.ann, sha)
        flags.arrived(sha)
    assert not Flag.objects.exists()
    assert acts.move(case, Verb.CLOSE, city.carl).stage == Stage.CLOSED
