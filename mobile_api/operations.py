"""What programs that write clients need of the OpenAPI document: names that stay, and bodies of bytes as they are.

A generated client takes an operation's id for the name of its function: whoever renames one breaks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPERATION_IDS: Mapping[tuple[str, str], str] = {
    ("GET", "me"): "get_me",
    ("GET", "city"): "get_city",
    ("GET", "components"): "list_components",
    ("GET", "me/preferences"): "get_preferences",
    ("PUT", "me/preferences"): "set_preferences",
    ("POST", "cases"): "report_case",
    ("GET", "cases"): "list_cases",
    ("GET", "cases/similar"): "list_similar_cases",
    ("GET", "cases/{id}"): "get_case",
    ("POST", "cases/{id}/reveal"): "reveal_case",
    ("POST", "cases/{id}/moves"): "move_case",
    ("POST", "cases/{id}/flags/{flag}"): "answer_flag",
    ("PUT", "photos/{sha256}"): "put_photo",
    ("GET", "photos/{sha256}"): "get_photo",
    ("GET", "inbox"): "list_messages",
    ("GET", "inbox/stream"): "stream_messages",
    ("POST", "inbox/read"): "mark_messages_read",
    ("GET", "digest"): "get_digest",
    ("GET", "duty"): "get_duty",
    ("PUT", "duty"): "set_duty",
    ("POST", "duty/track"): "send_track",
    ("GET", "duty/track"): "get_track",
    ("GET", "duty/officers"): "list_officers_on_duty",
    ("POST", "exports"): "order_export",
    ("GET", "exports"): "list_exports",
    ("GET", "exports/{id}"): "get_export",
    ("DELETE", "exports/{id}"): "delete_export",
    ("GET", "exports/{id}/file"): "download_export",
    ("GET", "leave"): "list_leaves",
    ("PUT", "leave"): "set_leave",
    ("DELETE", "leave/{number}"): "end_leave",
    ("PUT", "devices"): "register_device",
    ("DELETE", "devices/{token}"): "forget_device",
    ("GET", "hooks"): "list_hooks",
    ("POST", "hooks"): "create_hook",
    ("PUT", "hooks/{id}"): "change_hook",
    ("POST", "hooks/{id}/secret"): "renew_hook_secret",
    ("POST", "hooks/{id}/test"): "test_hook",
    ("GET", "hooks/{id}/deliveries"): "list_hook_deliveries",
    ("GET", "stats/pairs"): "list_pairs",
    ("GET", "me/rechecks"): "list_my_rechecks",
    ("POST", "me/rechecks/{id}"): "answer_recheck",
    ("GET", "rechecks"): "list_rechecks",
    ("POST", "rechecks/{id}/decision"): "decide_recheck",
    ("GET", "stats/departments"): "get_department_figures",
    ("GET", "stats/indicators"): "list_indicators",
    ("GET", "stats/figures"): "get_figures",
    ("GET", "stats/series"): "get_series",
    ("GET", "stats/cases"): "list_counted_cases",
    ("GET", "stats/schemes"): "list_schemes",
    ("GET", "stats/scores"): "get_scores",
    ("POST", "stats/scores/what-if"): "try_scheme",
    ("GET", "stats/publications"): "list_publications",
    ("POST", "stats/publications"): "publish_period",
    ("GET", "stats/publications/{id}"): "get_publication",
    ("GET", "stats/bulletin"): "get_bulletin",
    ("POST", "stats/trials"): "start_trial",
    ("GET", "stats/trials"): "list_trials",
    ("GET", "stats/trials/{id}"): "get_trial",
}
"""By method and path below the API's own. An operation that is not named here is refused when the document is made."""


def raw(*types: str) -> dict[str, Any]:
    """The content of a body of bytes. Bytes of no certain type stand first, for generators of clients know those; what
    they are, the header or the bytes themselves say."""
    return {name: {"schema": {"type": "string", "format": "binary"}} for name in ("application/octet-stream", *types)}


def download(what: str, *types: str) -> dict[str, Any]:
    """An answer of bytes, for `openapi_extra`."""
    return {"responses": {200: {"description": what, "content": raw(*types)}}}
