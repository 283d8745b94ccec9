"""The demonstration loads, lets one in for each post, and its cities work."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client, override_settings

from cases import docket
from cases.flow import Source, Stage
from cases.loading import demo, taxonomy
from cases.models import Case, Category, Condition, Duty, Policy
from grid.models import Cell, Change, Officer
from grid.roles import Role


@pytest.fixture(autouse=True)
def without_a_past(settings: Any) -> None:
    """What a demonstration begins with has a file of its own, test_planting.py."""
    settings.DEMO_CASES = 0


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Both cities, once for all tests of this file; gives what was said."""
    with django_db_blocker.unblock(), override_settings(DEMO_CASES=0), transaction.atomic():
        yield play()
        transaction.set_rollback(True)


def play() -> str:
    said = StringIO()
    call_command("demo", stdout=said, stderr=StringIO())
    return said.getvalue()


def report(by: str, sub: str, **said: Any) -> Case:
    """An event by its first condition, in a cell of the officer's area."""
    officer = Officer.objects.select_related("area").get(username=by)
    assert officer.area
    major, sub = sub.split("-")
    category = Category.objects.get(scheme="gbt30428-2013", kind="event", major=major, sub=sub)
    cell = Cell.objects.filter(code__startswith=officer.area.code)[0]
    asked = {
        "category": category.pk,
        "condition": category.conditions.get(no=1).pk,
        "lon": cell.shape.point_on_surface.x,
        "lat": cell.shape.point_on_surface.y,
        "text": "垃圾",
    }
    return docket.report(uuid4(), docket.Report(**(asked | said)), by=officer)[0]


def test_it_is_for_demonstrations_alone(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = False
    monkeypatch.setattr(demo, "load", lambda tell: pytest.fail("loaded"))
    with pytest.raises(CommandError, match="DEMO=1"):
        play()


def test_the_cities_load_and_work(loaded: str, db: None) -> None:
    said = loaded

    # Somebody for each post in each city, who can log in.
    assert demo.PASSWORD in said
    for folder in demo.CITIES:
        for role in Role:
            username = demo.login(folder, role)
            assert username in said
            officer = Officer.objects.get(username=username)
            assert officer.holds(role)
            assert officer.check_password(demo.PASSWORD)
    answer = Client().post(
        "/api/auth/app/v1/auth/login",
        {"username": "ft_inspector01", "password": demo.PASSWORD},
        content_type="application/json",
    )
    assert answer.json()["meta"]["is_authenticated"]

    # No class is without a condition, a department, and hours.
    assert not checks.run_checks(tags=[checks.Tags.database], databases=["default"])

    # An inspector's own report goes to a department at once, in both cities; others wait.
    for by in ("ft_inspector01", "ys_inspector01"):
        case = report(by, "01-10")
        assert case.stage == Stage.HANDLING
        assert case.department
        assert case.due_at
        assert case.department.code[:6] == case.cell.code[:6]
    assert report("ft_clerk01", "01-10", source=Source.PUBLIC).stage == Stage.VERIFY
    assert report("ft_clerk01", "01-10", source=Source.HOTLINE).stage == Stage.FILING


def test_once_loaded_it_is_left_alone_until_its_files_change(
    loaded: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [model.objects.count() for model in (Category, Condition, Duty, Policy, Officer)]
    clerk = Officer.objects.get(username="ft_clerk01")
    clerk.set_password("mani-wall-97-north")
    clerk.save()

    with monkeypatch.context() as patch:
        patch.setattr(taxonomy, "load", lambda *args, **kwargs: pytest.fail("loaded again"))
        assert play() == loaded

    monkeypatch.setattr(demo, "_digest", lambda: "other files")
    play()
    assert [model.objects.count() for model in (Category, Condition, Duty, Policy, Officer)] == before
    clerk.refresh_from_db()
    assert clerk.check_password("mani-wall-97-north")


# The end of it


def sign_in(username: str, password: str = demo.PASSWORD) -> Client | None:
    browser = Client()
    answer = browser.post("/account/login/", {"login": username, "password": password})
    return browser if answer.status_code == 302 else None


def test_where_it_is_no_demonstration_any_more_its_password_opens_nothing(loaded: str, db: None, settings: Any) -> None:
    clerk, leader = (Officer.objects.get(username=name) for name in ("ft_clerk01", "ft_leader01"))
    clerk.set_password("mani-wall-97-north")
    clerk.save()
    inside = sign_in("ft_leader01")
    assert inside and inside.get("/me/preferences/").status_code == 200
    settings.DEMO = False
    said = StringIO()
    call_command("install", stdout=said)
    others = Officer.objects.exclude(pk=clerk.pk).count()
    assert f"已停用 {others} 个演示账号的公开密码" in said.getvalue()
    assert "./dev manage changepassword" in said.getvalue()
    assert sign_in("ft_leader01") is None
    assert inside.get("/me/preferences/").status_code == 302, "who came in by it is out"
    assert not UserSession.objects.filter(user=leader).exists()
    assert sign_in("ft_clerk01", "mani-wall-97-north"), "a password of one's own stays"
    told = Change.objects.filter(what="grid.officer", row=str(leader.pk)).latest("id")
    assert (told.by, set(told.before), set(told.after)) == (None, {"password"}, {"password"})
    again = StringIO()
    call_command("install", stdout=again)
    assert again.getvalue() == ""


def test_a_demonstration_again_lets_its_people_in_again(loaded: str, db: None, settings: Any) -> None:
    settings.DEMO = False
    call_command("install", stdout=StringIO())
    settings.DEMO = True
    play()
    assert sign_in("ft_leader01")


def test_whoever_bears_such_a_name_in_a_city_keeps_his_password(loaded: str, db: None, settings: Any) -> None:
    Officer.objects.update(password=make_password("mani-wall-97-north"))
    settings.DEMO = False
    said = StringIO()
    call_command("install", stdout=said)
    assert (said.getvalue(), sign_in("ft_clerk01", "mani-wall-97-north") is not None) == ("", True)
