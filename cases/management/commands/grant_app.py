"""manage.py grant_app ROLE: what the application's database role may do, and no more.

Run it as the owner of the tables, after each `migrate`. Two roles keep the log safe: the one that migrates owns the
tables, the one that serves may read them, and write what grid/rights.py says of each. What it had before is taken away.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.sql import SQL, Composed, Identifier  # type: ignore[import-untyped]

from cases.models import CaseEvent
from grid.rights import Rights, all_rights

COUNT = SQL("USAGE, SELECT")
LOG = CaseEvent._meta.db_table

ROLE = "SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname !~ '^pg_'"
OWN = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = ANY(%s)
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname
"""  # what belongs to an extension is not ours to give
TABLES, SEQUENCES = ["r", "p", "v", "m"], ["S"]
RIGHTS = """
    SELECT has_table_privilege(role, log, 'SELECT') AND has_table_privilege(role, log, 'INSERT'),
           has_any_column_privilege(role, log, 'UPDATE') OR has_table_privilege(role, log, 'DELETE')
           OR has_table_privilege(role, log, 'TRUNCATE')
           OR pg_has_role(role, (SELECT relowner FROM pg_class WHERE oid = log), 'MEMBER')
    FROM (VALUES (%s::name, %s::regclass::oid)) AS asked (role, log)
"""  # an owner may take back what is taken from him


class Command(BaseCommand):
    help = "Grant the application's database role its rights, table by table: docs/rights.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="an existing role that owns nothing here")

    @transaction.atomic
    def handle(self, *args: Any, role: str, **options: Any) -> None:
        if not _ask(ROLE, role):
            raise CommandError(_("数据库没有角色“%(role)s”，请先用 CREATE ROLE 建立。") % {"role": role})
        for statement in _grants(Identifier(role)):
            with connection.cursor() as cursor:
                cursor.execute(statement.as_string(cursor.connection))
        ((adds, changes),) = _ask(RIGHTS, role, LOG)
        if changes:
            raise CommandError(_("“%(role)s”仍能改动流转记录：它不能是表的所有者，也不能是超级用户。") % {"role": role})
        if not adds:
            raise CommandError(_("没有授权成功：请以表的所有者执行。"))
        self.stdout.write(_("已授权“%(role)s”；流转记录只可读取和追加。") % {"role": role})


def _ask(question: str, *said: str | list[str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, said)
        return list(cursor.fetchall())


def _grants(role: Identifier) -> Iterator[Composed]:
    """For what is there; what this owner will make here later is nobody else's until this is run again."""
    schema = Identifier(_ask("SELECT current_schema()")[0][0])
    later = SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} REVOKE ALL ON {} FROM {}")
    yield SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role)
    yield later.format(schema, SQL("TABLES"), role)
    yield later.format(schema, SQL("SEQUENCES"), role)
    yield SQL("REVOKE ALL ON TABLE {} FROM {}").format(_names(TABLES), role)
    yield SQL("GRANT SELECT ON TABLE {} TO {}").format(_names(TABLES), role)
    yield SQL("GRANT {} ON SEQUENCE {} TO {}").format(COUNT, _names(SEQUENCES), role)
    there = {name for (name,) in _ask(OWN, TABLES)}
    for table, rights in all_rights().items():
        if table in there and (allowed := list(_allowed(rights))):
            yield SQL("GRANT {} ON TABLE {} TO {}").format(SQL(", ").join(allowed), Identifier(table), role)


def _allowed(rights: Rights) -> Iterator[Composed]:
    if rights.add:
        yield Composed([SQL("INSERT")])
    if rights.freely:
        yield Composed([SQL("UPDATE")])
    elif rights.change:
        yield SQL("UPDATE ({})").format(SQL(", ").join(map(Identifier, rights.change)))
    if rights.remove:
        yield Composed([SQL("DELETE")])


def _names(kinds: list[str]) -> Composed:
    return SQL(", ").join(Identifier(name) for (name,) in _ask(OWN, kinds))
