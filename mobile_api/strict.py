"""A word of a query that an operation does not know is refused by its name: misspelt, it would quietly ask for all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.operation import Operation

from .problems import LONGEST_NAME, FieldError, invalid

Run = Callable[..., HttpResponse]


def strict(run: Run) -> Run:
    """Around an operation's run: 422 where the query says what it does not know."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # ninja hands over its bound method
    queries = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    known = {name for model in queries for name in model.__ninja_flatten_map__}

    @wraps(run)
    def asked(request: HttpRequest, **path: Any) -> HttpResponse:
        if unknown := sorted(set(request.GET) - known):
            return _refused(unknown, sorted(known))
        return run(request, **path)

    return asked


def _refused(unknown: list[str], known: list[str]) -> HttpResponse:
    detail = _("没有这一项，可用的有：%(known)s") % {"known": _("、").join(known)} if known else _("没有这一项")
    names = (name[:LONGEST_NAME] for name in unknown)
    return invalid((FieldError(field=name, code="extra_forbidden", detail=detail) for name in names), len(unknown))
