"""Errors as RFC 9457 problem details: a stable code, a sentence to act on, the field, and what is allowed instead.

The core raises domain errors and knows no HTTP; here each is mapped once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from psycopg2.errors import DiskFull  # type: ignore[import-untyped]
from pydantic import Field

from cases.calendar import Unusable
from cases.docket import Conflict
from cases.exports.sheets import SHEETS
from cases.flow import Move, Refused
from cases.photos import PhotoRefused, again_s
from grid.crs import InvalidPosition
from grid.duty import DutyRefused
from grid.leave import LeaveRefused
from grid.locate import OutsideTheCity
from grid.quota import Overspent
from grid.roles import Role
from grid.words import english

TITLES = {
    400: gettext_lazy("请求有误"),
    401: gettext_lazy("尚未登录"),
    403: gettext_lazy("没有权限"),
    404: gettext_lazy("没有找到"),
    405: gettext_lazy("不能这样请求"),
    408: gettext_lazy("传得太慢"),
    409: gettext_lazy("现在不能这样办"),
    411: gettext_lazy("没有说明长度"),
    416: gettext_lazy("没有所要的部分"),
    413: gettext_lazy("内容过大"),
    422: gettext_lazy("内容不合要求"),
    429: gettext_lazy("请求太频繁"),
    500: gettext_lazy("系统出错"),
    503: gettext_lazy("暂时无法办理"),
    507: gettext_lazy("存储空间已满"),
}

# A refusal is a matter of the time (409), of the person (403) or of what was said (422).
STATUS = {
    "not_now": 409,
    "overtaken": 409,
    "made_unseen": 409,
    "already_accepted": 409,
    "already_asked": 409,
    "nothing_asked": 409,
    "not_supervised": 409,
    "nothing_to_exempt": 409,
    "flags_open": 409,
    "nothing_flagged": 409,
    "taken_enough": 409,
    "already_late": 409,
    "window_closed": 409,
    "leader_decides": 403,
    "master_done": 409,
    "has_duplicates": 409,
    "is_duplicate": 409,
    "recheck_over": 409,
    "nothing_doubted": 409,
    "children_open": 409,
    "is_child": 409,
    "parent_done": 409,
    "already_assists": 409,
    "already_supervised": 409,
    "no_caller": 409,
    "hooks_off": 409,
    "secret_overlaps": 409,
    "export_not_ready": 409,
    "export_unknown": 403,
    "shift_overlaps": 409,
    "not_your_track": 403,
    "not_your_post": 403,
    "second_factor_missing": 403,
    "not_your_turn": 403,
    "not_your_source": 403,
    "same_hand": 403,
    "held_by_another": 403,
    "not_reporter": 403,
    "not_your_people": 403,
    "leave_overlaps": 409,
    "not_your_figures": 403,
    "not_your_ground": 403,
    "not_issued": 403,
    "scheme_unknown": 422,
    "published_already": 409,
    "period_open": 409,
}

PHOTO_STATUS = {
    "photo_too_large": 413,
    "photo_original_closed": 403,
    "photo_lost": 404,
    "photo_busy": 503,
    "disk_full": 507,
}

MOST_ERRORS = 20  # of one body that are told one by one
LONGEST_NAME = 200  # of a field, which may be anything that a body holds

MESSAGES = {
    "missing": gettext_lazy("必须填写"),
    "union_tag_not_found": gettext_lazy("必须填写"),
    "union_tag_invalid": gettext_lazy("只能是：%(expected_tags)s"),
    "uuid_parsing": gettext_lazy("须为 UUID"),
    "datetime_from_date_parsing": gettext_lazy("须为带时区的时间，如 2026-03-02T09:00:00+08:00"),
    "datetime_parsing": gettext_lazy("须为带时区的时间，如 2026-03-02T09:00:00+08:00"),
    "timezone_aware": gettext_lazy("须为带时区的时间，如 2026-03-02T09:00:00+08:00"),
    "enum": gettext_lazy("只能是：%(expected)s"),
    "literal_error": gettext_lazy("只能是：%(expected)s"),
    "string_pattern_mismatch": gettext_lazy("格式须为 %(pattern)s"),
    "string_too_long": gettext_lazy("最多 %(max_length)s 个字"),
    "string_too_short": gettext_lazy("至少 %(min_length)s 个字"),
    "too_long": gettext_lazy("最多 %(max_length)s 项"),
    "greater_than": gettext_lazy("须大于 %(gt)s"),
    "greater_than_equal": gettext_lazy("不得小于 %(ge)s"),
    "less_than_equal": gettext_lazy("不得大于 %(le)s"),
    "less_than": gettext_lazy("须小于 %(lt)s"),
    "int_parsing": gettext_lazy("须为整数"),
    "int_type": gettext_lazy("须为整数"),
    "int_from_float": gettext_lazy("须为整数"),
    "int_parsing_size": gettext_lazy("数字过长"),
    "string_type": gettext_lazy("须为文字"),
    "list_type": gettext_lazy("须为列表"),
    "dict_type": gettext_lazy("须为对象"),
    "model_type": gettext_lazy("须为对象"),
    "model_attributes_type": gettext_lazy("须为对象"),
    "float_type": gettext_lazy("须为数字"),
    "bool_type": gettext_lazy("须为 true 或 false"),
    "uuid_type": gettext_lazy("须为 UUID"),
    "date_type": gettext_lazy("须为日期，如 2026-03-02"),
    "date_parsing": gettext_lazy("须为日期，如 2026-03-02"),
    "date_from_datetime_parsing": gettext_lazy("须为日期，如 2026-03-02"),
    "date_from_datetime_inexact": gettext_lazy("须为日期，如 2026-03-02"),
    "datetime_type": gettext_lazy("须为带时区的时间，如 2026-03-02T09:00:00+08:00"),
    "datetime_object_invalid": gettext_lazy("须为带时区的时间，如 2026-03-02T09:00:00+08:00"),
    "time_type": gettext_lazy("须为本市时间，如 22:00，不带时区"),
    "time_parsing": gettext_lazy("须为本市时间，如 22:00，不带时区"),
    "decimal_type": gettext_lazy("须为数字"),
    "decimal_parsing": gettext_lazy("须为数字"),
    "decimal_max_digits": gettext_lazy("最多 %(max_digits)s 位数字"),
    "decimal_max_places": gettext_lazy("小数最多 %(decimal_places)s 位"),
    "decimal_whole_digits": gettext_lazy("整数部分最多 %(whole_digits)s 位"),
    "float_parsing": gettext_lazy("须为数字"),
    "finite_number": gettext_lazy("不能是 NaN 或无穷大"),
    "bool_parsing": gettext_lazy("须为 true 或 false"),
    "json_invalid": gettext_lazy("不是有效的 JSON"),
    "extra_forbidden": gettext_lazy("没有这一项"),
    "string_unicode": gettext_lazy("含有无法保存的字符"),
    "tuple_type": gettext_lazy("须为列表"),
    "too_short": gettext_lazy("至少 %(min_length)s 项"),
    "none_required": gettext_lazy("须为空"),
    "unstorable": gettext_lazy("含有无法保存的字符"),
    "day_unreckonable": gettext_lazy("没有这样的日期。"),
    "clock_time": gettext_lazy("须为本市时间，如 22:00，不带时区"),
    "url_parsing": gettext_lazy("须为能访问的完整网址"),
}


class Allowed(Schema):
    """A move that is possible now, and who may make it."""

    verb: str
    label: str
    by: list[str] = Field(description="roles")


class FieldError(Schema):
    """What is wrong with one field."""

    field: str
    code: str
    detail: str


class Problem(Schema):
    """RFC 9457. `code` is stable; `detail` is a sentence in the reader's language."""

    type: str = Field(examples=["urn:wangge:problem:not_now"])
    title: str
    status: int
    detail: str
    code: str
    field: str = ""
    errors: list[FieldError] = Field([], description="twenty at most")
    error_count: int = Field(0, description="how many there are in all")
    allowed: list[Allowed] = []
    flags: list[int] = Field([], description="with `flags_open`: the ids of the flags that are to be answered first")


def problem(status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """An answer in problem+json."""
    title = str(TITLES.get(status, TITLES[400]))
    said = Problem(type=f"urn:wangge:problem:{code}", title=title, status=status, detail=detail, code=code, **more)
    return HttpResponse(said.model_dump_json(), content_type="application/problem+json", status=status)


def invalid(errors: Iterable[FieldError], count: int) -> HttpResponse:
    """422 for what was said: the first errors one by one, and how many there are."""
    told = list(islice(errors, MOST_ERRORS))
    detail = _("；").join(f"{error.field}: {error.detail}" for error in told)
    if count > len(told):
        detail = _("%(detail)s……共 %(count)d 处") % {"detail": detail, "count": count}
    return problem(422, "invalid", detail, field=told[0].field if told else "", errors=told, error_count=count)


def tell(exc: Exception) -> HttpResponse | None:
    """How an error of the core or of the framework is told; None for what nobody foresaw."""
    return next((TOLD[kind](exc) for kind in type(exc).__mro__ if kind in TOLD), None)


def allowed(moves: tuple[Move, ...]) -> list[Allowed]:
    return [Allowed(verb=move.verb, label=str(move.verb.label), by=[Role(role) for role in move.by]) for move in moves]


def install(api: NinjaAPI) -> None:
    """Map the errors of the core and of the framework."""
    for kind, tell in TOLD.items():
        api.add_exception_handler(kind, lambda request, exc, tell=tell: tell(exc))  # type: ignore[misc]


def _refused(exc: Refused) -> HttpResponse:
    status = STATUS.get(exc.code, 422)
    return problem(status, exc.code, exc.detail, field=exc.field, allowed=allowed(exc.allowed), flags=list(exc.flags))


def _later(answer: HttpResponse, seconds: int) -> HttpResponse:
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _photo(exc: PhotoRefused) -> HttpResponse:
    answer = problem(PHOTO_STATUS.get(exc.code, 422), exc.code, str(exc), field=exc.field)
    if exc.code == "photo_busy":
        answer["Retry-After"] = str(again_s())
    return answer


def _unseen(exc: Exception) -> HttpResponse:
    return problem(404, "not_found", _("没有找到，或您无权查看。"))


def _invalid(exc: ValidationError) -> HttpResponse:
    return invalid(map(_field_error, exc.errors), len(exc.errors))


def _http(exc: HttpError) -> HttpResponse:
    if exc.status_code == 400:
        return problem(400, "bad_json", _("请求内容不是有效的 JSON。"))
    return problem(exc.status_code, f"http_{exc.status_code}", str(exc))


def _database(exc: OperationalError) -> HttpResponse:
    if isinstance(exc.__cause__, DiskFull):
        return problem(507, "disk_full", _("服务器存储空间已满，什么也没有写入。请稍后原样重发，并通知系统管理员。"))
    return problem(503, "database_down", _("数据库暂时连不上，什么也没有写入。请稍后原样重发。"))


TOLD: dict[type[Exception], Callable[[Any], HttpResponse]] = {
    Refused: _refused,
    PhotoRefused: _photo,
    Conflict: lambda exc: problem(409, exc.code, str(exc)),
    Overspent: lambda exc: _later(problem(429, exc.code, str(exc)), exc.after_s),
    DutyRefused: lambda exc: problem(STATUS.get(exc.code, 422), exc.code, str(exc), field=exc.field),
    LeaveRefused: lambda exc: problem(STATUS.get(exc.code, 422), exc.code, str(exc), field=exc.field),
    Unusable: lambda exc: problem(422, exc.code, str(exc), field="limit"),
    InvalidPosition: lambda exc: problem(422, exc.code, str(exc), field="point"),
    OutsideTheCity: lambda exc: problem(422, exc.code, str(exc), field="point"),
    ObjectDoesNotExist: _unseen,
    Http404: _unseen,
    AuthenticationError: lambda exc: problem(
        401, "not_logged_in", _("请先登录，并在 X-Session-Token 中带上会话令牌。")
    ),
    OperationalError: _database,
    RequestDataTooBig: lambda exc: problem(413, "too_large", _("请求内容过大。")),
    SuspiciousOperation: lambda exc: problem(400, "bad_request", _("请求有误，服务器无法理解。")),
    ValidationError: _invalid,
    HttpError: _http,
}


def _field_error(error: dict[str, Any]) -> FieldError:
    where = [str(part) for part in error["loc"][1:]]  # the first says body, query or path
    if where and where[0] in ("body", "filters"):
        where = where[1:]
    said = dict(error.get("ctx", {}))
    if where and where[0] in SHEETS:  # an order has the shape of its sheet, which stands before the field
        where = where[1:]
    if "discriminator" in said:
        where = [said["discriminator"].strip("'")]
    if "expected" in said:
        said["expected"] = _listed(said["expected"])
    message = MESSAGES.get(error["type"])
    detail = str(message) % said if message else _("不合要求")  # never pydantic's own words, which are English
    return FieldError(field=".".join(where)[:LONGEST_NAME], code=error["type"], detail=detail)


def _listed(codes: str) -> str:
    """'a', 'b' or 'c' as the reader's language lists; pydantic knows English alone."""
    return codes if english() else re.sub(r",\s+|\s+or\s+", "、", codes)
