"""What an installation needs besides its tables: schedules, the application's rights, and rules without holes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django_q.models import Schedule

from cases import flow, schedules
from cases.models import Case, CaseEvent, Condition, Duty, Edition, Holiday, Rung, Timetable
from grid.moment import now, today

from . import city as town

APP = "wangge_app"


def ask(statement: str, *said: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, said or None)
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def role(db: None) -> Iterator[str]:
    """The application's role. The owner of the tests' database is in it, or may make it for as long as a test takes."""
    if not ask("SELECT 1 FROM pg_roles WHERE rolname = %s", APP):
        try:
            with transaction.atomic():
                ask(f"CREATE ROLE {APP}")
        except ProgrammingError:
            pytest.skip(f"no role {APP}, and none may be made")
    yield APP
    ask("RESET ROLE")


def holes() -> set[str]:
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    return {str(message.id) for message in found if str(message.id).startswith("cases.")}


def test_the_worker_has_one_schedule_for_each_round(db: None) -> None:
    for _time in range(2):
        call_command("install")
    assert list(Schedule.objects.order_by("name").values_list("func", flat=True)) == sorted(schedules.SCHEDULES)
    for name in schedules.SCHEDULES:
        module, function = name.rsplit(".", 1)
        assert callable(getattr(import_module(module), function))


def test_installing_again_does_not_put_off_the_next_round(db: None) -> None:
    schedules.install()
    soon = now() + timedelta(seconds=5)
    Schedule.objects.update(next_run=soon, minutes=7)
    schedules.install()
    assert set(Schedule.objects.values_list("next_run", "minutes")) == {
        (soon, minutes) for minutes in schedules.SCHEDULES.values()
    }


def test_a_round_that_is_no_more_is_taken_away_and_others_are_left(db: None) -> None:
    for name in ("cases.gone.forever", "elsewhere.rebuild"):
        Schedule.objects.create(name=name, func=name)
    schedules.install()
    assert set(Schedule.objects.values_list("name", flat=True)) == {*schedules.SCHEDULES, "elsewhere.rebuild"}


def test_the_application_works_and_can_only_add_to_the_log(role: str, city: SimpleNamespace) -> None:
    for _time in range(2):
        call_command("grant_app", role, verbosity=0)
    ask(f"SET LOCAL ROLE {role}")
    case = town.finish(town.report(city), city.hugo)
    assert case.events.count() > 3
    for statement in (
        "UPDATE cases_caseevent SET late_s = 0",
        "DELETE FROM cases_caseevent",
        "TRUNCATE cases_caseevent CASCADE",
        "DROP TABLE cases_outbox",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            ask(statement)
    assert CaseEvent.objects.filter(case=case).count() == case.events.count()


def test_tables_made_later_are_nobody_else_s_until_they_are_granted(role: str) -> None:
    ask(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO {role}")  # as once was given
    call_command("grant_app", role, verbosity=0)
    ask("CREATE TABLE made_later (id bigserial PRIMARY KEY)")
    ask(f"SET LOCAL ROLE {role}")
    with pytest.raises(ProgrammingError), transaction.atomic():
        ask("SELECT FROM made_later")
    ask("RESET ROLE")
    call_command("grant_app", role, verbosity=0)
    ask(f"SET LOCAL ROLE {role}")
    assert ask("SELECT id FROM made_later") == []


@pytest.mark.parametrize("name", ["nobody_here", "", 'x"; DROP TABLE cases_case; --', "public", "pg_read_all_data"])
def test_only_a_role_that_exists_is_granted_anything(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="没有角色"):
        call_command("grant_app", name)
    assert Case.objects.count() == 0


def test_the_owner_cannot_be_the_application(db: None) -> None:
    """He could give himself back what is taken."""
    with pytest.raises(CommandError, match="所有者"):
        call_command("grant_app", ask("SELECT current_user::text")[0][0])


def test_the_flow_has_no_flaw_and_a_flaw_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [message for message in checks.run_checks() if str(message.id).startswith("cases.")]
    monkeypatch.setattr(flow, "flaws", lambda: ["no way out of handling"])
    assert [message.id for message in checks.run_checks() if message.is_serious()] == ["cases.E001"]


def test_an_empty_database_is_warned_of_and_stops_nothing(db: None) -> None:
    assert holes() == {"cases.W001", "cases.W002", "cases.W005", "cases.W006", "cases.W007"}


def test_a_full_city_has_no_holes(city: SimpleNamespace) -> None:
    Duty.objects.create(category=city.orphan, department=city.parks)
    Holiday.objects.create(day=today().replace(month=1, day=1), off=True, name="元旦", year=today().year)
    assert holes() == set()


def test_each_hole_is_found(city: SimpleNamespace) -> None:
    """In the tiny city, and then hole after hole."""
    Duty.objects.filter(department=city.roads).update(department=city.parks)
    city.parks.closed_on = today()
    city.parks.save()
    Condition.objects.filter(category=city.refuse).update(closed_on=today())
    Rung.objects.filter(share=1).delete()
    Timetable.objects.all().delete()
    Holiday.objects.all().delete()
    Edition.objects.all().delete()
    assert holes() == {f"cases.W00{n}" for n in (1, 3, 4, 5, 6, 7)}
