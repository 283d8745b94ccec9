"""How a load command speaks: counts on success, every refusal by its row on failure, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from grid.loading.bounds import bounded_memory
from grid.loading.outcome import Counts, Refused

from .reading import NotLoaded


@contextmanager
def refusing() -> Iterator[None]:
    """What was refused ends the command with exit code 1, also a file that takes too much memory."""
    try:
        with bounded_memory():
            yield
    except (NotLoaded, Refused) as refused:
        raise CommandError(_("没有载入，请改正后重试：\n%(refusals)s") % {"refusals": refused}) from None


def said(kind: str, counts: Counts) -> str:
    sentence = _("%(kind)s：新增 %(added)d，变更 %(changed)d，停用 %(retired)d，未变 %(unchanged)d")
    return sentence % {"kind": kind, **vars(counts)}
