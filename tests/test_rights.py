"""The application's database role may do what the table of rights says, and is refused the rest: each is tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, transaction
from psycopg2.errors import InsufficientPrivilege

from grid.rights import GIVEN, NONE, Rights, all_rights, page

from .test_install import APP, ask, role  # noqa: F401  the fixture

TABLES = """
    SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
"""
READ_ONLY = {
    # filled by migrations
    *("auth_group", "auth_group_permissions", "auth_permission", "django_content_type"),
    *("grid_officer_groups", "grid_officer_user_permissions"),
    # loaded by the owner
    *("grid_area", "grid_cell", "grid_road", "cases_indicator"),
    # of allauth, and not in use here
    *("account_emailaddress", "account_emailconfirmation"),
    *("socialaccount_socialaccount", "socialaccount_socialapp", "socialaccount_socialtoken"),
}


@pytest.fixture
def granted(role: str) -> Iterator[str]:  # noqa: F811
    call_command("createcachetable", verbosity=0)
    call_command("grant_app", role, verbosity=0)
    ask(f"SET LOCAL ROLE {role}")
    yield role
    ask("RESET ROLE")


def may(statement: str) -> bool:
    """Whether the database lets it pass; what is wrong with it otherwise is an error of the test."""
    try:
        with transaction.atomic():
            ask(statement)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        return False
    return True


def columns(table: str) -> list[str]:
    """Those that can be written at all."""
    asked = """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum"""
    return [str(name) for (name,) in ask(asked, table)]


def found(table: str) -> Rights:
    """What the role can do, tried on no row."""
    names = columns(table)
    change = tuple(name for name in names if may(f'UPDATE "{table}" SET "{name}" = "{name}" WHERE false'))  # noqa: S608
    listed = ", ".join(f'"{name}"' for name in names)
    return Rights(
        add=may(f'INSERT INTO "{table}" ({listed}) SELECT {listed} FROM "{table}" WHERE false'),  # noqa: S608
        change=("*",) if len(change) == len(names) else change,
        remove=may(f'DELETE FROM "{table}" WHERE false'),  # noqa: S608
    )


def test_each_right_is_what_the_table_says(granted: str) -> None:
    wanted = {table: Rights(each.add, tuple(sorted(each.change)), each.remove) for table, each in all_rights().items()}
    tried = {table: found(table) for table in wanted}
    assert {table: Rights(each.add, tuple(sorted(each.change)), each.remove) for table, each in tried.items()} == wanted
    assert not any(may(f'TRUNCATE "{table}" CASCADE') for table in wanted)


def test_nothing_is_changed_beside_the_table(granted: str) -> None:
    """Partitions and what Django keeps for itself are read alone."""
    ours = [str(name) for (name,) in ask(TABLES) if name not in all_rights()]
    assert "grid_track_other" in ours and "django_migrations" in ours
    assert [table for table in ours if found(table) != NONE] == []


def test_whoever_makes_a_table_says_what_is_needed_of_it() -> None:
    """Without a word in a module `rights` it is read alone, and the application fails where it writes."""
    silent = {table for table, each in all_rights().items() if each == NONE}
    assert silent == READ_ONLY
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert GIVEN.keys() <= tables | {"django_cache"}


def test_what_is_evidence_is_never_changed(granted: str) -> None:
    for statement in (
        "UPDATE grid_change SET name = ''",
        "DELETE FROM grid_change",
        "UPDATE grid_track SET at = now()",
        "UPDATE cases_photo SET taken_at = now()",
        "UPDATE cases_photo SET sha256 = ''",
        "DELETE FROM cases_photo",
        "DELETE FROM cases_evidence",
        "UPDATE cases_evidence SET purpose = 'before'",
        "UPDATE cases_flag SET code = ''",
        "UPDATE cases_case SET reported_at = now()",
        "DELETE FROM cases_case",
        "UPDATE cases_publication SET revision = 0",
        "UPDATE mobile_api_message SET number = 0",
        "SET session_replication_role = replica",
    ):
        assert not may(statement), statement


def test_the_page_is_drawn_from_the_rights() -> None:
    assert Path(settings.BASE_DIR, "docs/rights.md").read_text(encoding="utf8") == page(serves=APP), "run ./dev docs"
