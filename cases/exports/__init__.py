"""Exports (导出): files that the worker writes, a few seconds at a time, so that alarms do not wait for them.

ask()    take an order; the worker begins at once
write()  what the worker does: some rows more, until the file is whole
stop()   the officer needs it no more
tidy()   throw away what nobody fetched in time

Rows are seen as the officer sees them while they are written. A worker that is killed goes on where it was: what is
in the file beyond the size that the row says was never written; where less is there, it begins again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from grid.models import Officer
from grid.moment import now

from ..flow import Refused
from ..models import Export
from . import bulletin, figures, scores  # noqa: F401  add their sheets
from .binding import bind, kept
from .sheets import AS_TEXT as AS_TEXT
from .sheets import OPENERS as OPENERS
from .sheets import SHEETS
from .titles import file_name, stamp

ORDERING = 30437  # of the transaction that takes an officer's order
TURN_S = 3.0  # then others have their turn of the worker
UNDER_WAY = (Export.Status.WAITING, Export.Status.WORKING)
access = logging.getLogger("access")
logger = logging.getLogger("cases")


def ask(officer: Officer, sheet: str, form: str, terms: Mapping[str, Any]) -> Export:
    """Order an export. The same order that is still under way is that one. Raises Refused."""
    if sheet not in SHEETS or not officer.holds(*SHEETS[sheet].roles) or form not in SHEETS[sheet].forms:
        raise Refused("export_unknown", _("没有这种导出，或您的岗位不能导出。"), field="sheet")
    plain = json.loads(json.dumps(terms, default=_plain))
    SHEETS[sheet].fit(officer, plain)
    order = Export.objects.filter(officer=officer, sheet=sheet, form=form, terms=plain, status__in=UNDER_WAY)
    if same := order.first():
        return same
    total = SHEETS[sheet].count(officer, plain)
    most = settings.EXPORT_ROWS.get(form)
    if most and total > most:
        said = {"total": total, "most": most, "form": form.upper()}
        raise Refused(
            "export_too_large",
            _("共 %(total)d 行，%(form)s 最多 %(most)d 行：请缩小范围，或改用 CSV。") % said,
            field="form",
        )
    with transaction.atomic():
        _one_by_one(officer)
        if same := order.first():  # ordered meanwhile
            return same
        export = Export.objects.create(
            officer=officer,
            sheet=sheet,
            form=form,
            terms=plain,
            language=get_language() or settings.LANGUAGE_CODE,
            total=total,
            made_at=now(),
        )
        async_task("cases.exports.write", export.pk)
    access.info("export %s of %s asked officer=%s terms=%s", export.uuid, sheet, officer.pk, plain)
    return export


def _one_by_one(officer: Officer) -> None:
    """An officer's orders wait for each other until the transaction ends, other officers' do not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [ORDERING, officer.pk % 2**31])


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def write(pk: int) -> None:
    """Write for TURN_S seconds, and order the next turn. Idempotent; two at once: one of them does nothing."""
    with transaction.atomic():
        export = Export.objects.select_for_update(skip_locked=True).filter(pk=pk, status__in=UNDER_WAY).first()
        if export is None:
            return
        try:
            with override(export.language), transaction.atomic():
                whole = _turn(export)
        except Exception:
            logger.exception("export %s", export.uuid)
            _end(export, Export.Status.FAILED)
            return
        if whole:
            _end(export, Export.Status.DONE)
        else:
            export.status = Export.Status.WORKING
            export.save(update_fields=["status", "rows", "cursor", "size"])
            async_task("cases.exports.write", pk)


def _turn(export: Export) -> bool:
    """Some batches more; whether it was the last. A sheet that makes its file by itself makes it at once."""
    sheet, until = SHEETS[export.sheet], monotonic() + TURN_S
    if sheet.whole:
        file(export).parent.mkdir(parents=True, exist_ok=True)
        sheet.whole(export.officer, export.terms, file(export))
        return True
    with _part(export).open("r+b") as part:
        if part.seek(0, os.SEEK_END) < export.size:  # killed when the file was made but not yet said to be
            export.rows, export.cursor, export.size = 0, "", 0
        part.truncate(export.size)
        part.seek(export.size)
        while True:
            rows, following = sheet.batch(export.officer, export.terms, export.cursor)
            part.writelines(json.dumps(row, ensure_ascii=False, default=kept).encode() + b"\n" for row in rows)
            export.rows += len(rows)
            export.cursor = following or ""
            if not following or monotonic() > until:
                break
        part.flush()
        os.fsync(part.fileno())
        export.size = part.tell()
    if following:
        return False
    heads = [str(head) for head in sheet.heads(export.terms)]
    bind(_part(export), file(export), export.form, heads, codes_as_text=bool(export.terms.get(AS_TEXT)))
    _part(export).unlink()
    export.size = file(export).stat().st_size
    return True


def _end(export: Export, status: Export.Status) -> None:
    export.status, export.ended_at = status, now()
    export.save(update_fields=["status", "ended_at", "rows", "cursor", "size"])


def of(officer: Officer) -> list[Export]:
    """The officer's exports, the newest first."""
    return list(Export.objects.filter(officer=officer).order_by("-id")[:50])


def stop(export: Export) -> None:
    """Not needed any more: nothing further is written, and what was is thrown away. Idempotent."""
    with transaction.atomic():
        held = Export.objects.select_for_update().get(pk=export.pk)
        if held.status in (*UNDER_WAY, Export.Status.DONE):
            _end(held, Export.Status.STOPPED)
            for path in (file(held), _part(held)):
                path.unlink(missing_ok=True)


def fetch(export: Export) -> Path:
    """The file, whole. Each time is a line of the logger "access". Raises Refused (export_not_ready)."""
    if export.status != Export.Status.DONE or not file(export).exists():
        raise Refused(
            "export_not_ready", _("文件还没有生成，或已过期：%(status)s。") % {"status": export.get_status_display()}
        )
    access.info("export %s of %s fetched officer=%s rows=%d", export.uuid, export.sheet, export.officer_id, export.rows)
    return file(export)


def told(export: Export) -> list[str]:
    """Which days and which filters it is of, in words. Of terms that no longer mean anything: nothing."""
    try:
        return list(SHEETS[export.sheet].told(export.terms))
    except (Refused, KeyError, ValueError):  # a scheme that was withdrawn, a sheet of an older version
        return []


def name(export: Export) -> str:
    """What its file is called, in the language in which it is written."""
    with override(export.language):
        return file_name([export.label, *told(export), stamp(export.made_at)], export.form)


def tidy() -> None:
    """Throw away files that are older than EXPORT_HOURS; the rows stay. Idempotent."""
    for export in Export.objects.filter(
        status=Export.Status.DONE, ended_at__lt=now() - timedelta(hours=settings.EXPORT_HOURS)
    ):
        file(export).unlink(missing_ok=True)
        Export.objects.filter(pk=export.pk).update(status=Export.Status.GONE)


def file(export: Export) -> Path:
    """Where its file is, or will be."""
    return Path(settings.DATA_DIR) / "exports" / f"{export.uuid}.{export.form}"


def _part(export: Export) -> Path:
    path = file(export).with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path
