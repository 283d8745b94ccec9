"""The OpenAPI document made complete: who may call what, and errors as the problem details that they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.utils.translation import get_language
from ninja import NinjaAPI
from ninja.operation import Operation

from grid.roles import Role

from .operations import OPERATION_IDS

JSON = "application/json"
PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/Problem"

SAID = {
    400: "The body is not JSON.",
    401: "Nobody is logged in: the token is missing, or the session has ended.",
    403: "Not for this officer: the post, the hand or the holder is wrong.",
    404: "Not there, or not to be seen by this officer; the two look alike.",
    409: "Not now: the case stands elsewhere, or the id was used otherwise. `allowed` says what is possible.",
    413: "Too large.",
    416: "The file has no such part; `Content-Range` says how long it is.",
    422: "What was said is wrong; `field` and `errors` say where. Nothing was written.",
    503: "Not here, or not now; `Retry-After` says when to ask again.",
    507: "The disk is full: nothing was kept. The same may be sent again later.",
}

EXAMPLES: dict[int, dict[str, Any]] = {
    400: {"code": "bad_json", "title": "请求有误", "detail": "请求内容不是有效的 JSON。"},
    401: {"code": "not_logged_in", "title": "尚未登录", "detail": "请先登录，并在 X-Session-Token 中带上会话令牌。"},
    403: {"code": "same_hand", "title": "没有权限", "detail": "您已办理“处置”，“核查通过”须由他人办理。"},
    404: {"code": "not_found", "title": "没有找到", "detail": "没有找到，或您无权查看。"},
    409: {
        "code": "not_now",
        "title": "现在不能这样办",
        "detail": "案卷处于“待核查”，不能“处置”。",
        "allowed": [{"verb": "pass", "label": "核查通过", "by": ["inspector"]}],
    },
    413: {"code": "photo_too_large", "title": "内容过大", "detail": "照片最大 12000000 字节，收到 30000000 字节。"},
    416: {"code": "range_unfit", "title": "没有所要的部分", "detail": "文件共 2418530 字节，没有所要的部分。"},
    507: {"code": "disk_full", "title": "存储空间已满", "detail": "服务器磁盘已满，照片没有保存，请稍后重发。"},
    503: {"code": "not_live", "title": "暂时无法办理", "detail": "此处没有实时消息，请定时查询收件箱。"},
    422: {
        "code": "invalid",
        "title": "内容不合要求",
        "detail": "point.crs: 必须填写",
        "field": "point.crs",
        "errors": [{"field": "point.crs", "code": "missing", "detail": "必须填写"}],
    },
}


class PhonesApi(NinjaAPI):
    """The API with its manual."""

    @cache  # noqa: B019  there is one, as long as the process; each making costs 0.8 s, and asks for no login
    def _manual(self, path_prefix: str, language: str) -> Any:
        schema = super().get_openapi_schema(path_prefix=path_prefix)
        roles = {(method, path): posts for method, path, posts in calls(self)}
        root = self.get_root_path({})
        for path, item in schema["paths"].items():
            for method, told in item.items():
                posts = next(found for (of, end), found in roles.items() if of == method and path.endswith(f"/{end}"))
                told["operationId"] = OPERATION_IDS[method.upper(), path.removeprefix(root)]
                told["summary"] = told["description"].partition(". ")[0].rstrip(".")
                told["description"] += (
                    f"\n\nFor {', '.join(posts)}." if posts else "\n\nFor everybody who is logged in."
                )
                for parameter in told.get("parameters", ()):
                    _move_examples(parameter)
                if JSON in told.get("requestBody", {}).get("content", {}):
                    told["responses"].setdefault("400", {"content": {JSON: {"schema": {"$ref": REFERENCE}}}})
                for status, answer in told["responses"].items():
                    _mark(int(status), answer)
        return schema

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        """Made once for each language."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        return self._manual(prefix, get_language())


def calls(api: NinjaAPI) -> Iterator[tuple[str, str, tuple[Role, ...]]]:
    """Every operation: method, path, and the posts that may call it (none: everybody who is logged in)."""
    for router in api._get_bound_routers():  # noqa: SLF001  ninja has no public list of its operations
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    yield method.lower(), path, _posts(operation)


def _posts(operation: Operation) -> tuple[Role, ...]:
    """Raises AttributeError for an operation that does not say who may call it."""
    (auth,) = operation.auth_callbacks
    posts: tuple[Role, ...] = auth.roles  # type: ignore[attr-defined]
    return posts


def _move_examples(parameter: dict[str, Any]) -> None:
    """To its schema: beside it OpenAPI 3.1 knows a list of examples by name alone, JSON Schema one of values."""
    if isinstance(said := parameter.get("examples"), list):
        del parameter["examples"]
        parameter["schema"]["examples"] = said


def _mark(status: int, answer: dict[str, Any]) -> None:
    if status not in SAID:
        return
    answer["description"] = SAID[status]
    if content := answer.pop("content", {}).get(JSON):
        example = {"type": f"urn:wangge:problem:{EXAMPLES[status]['code']}", "status": status, **EXAMPLES[status]}
        answer["content"] = {PROBLEM: {**content, "example": example}}
