"""The phones' door: one API, a router for each noun, errors mapped once."""

from . import problems
from .counting import counting
from .manual import PhonesApi
from .parsing import CleanParser
from .routers import (
    bulletin,
    cases,
    devices,
    digest,
    duty,
    exports,
    hooks,
    inbox,
    leave,
    me,
    pairs,
    photos,
    preferences,
    rechecks,
    scores,
    stats,
    trials,
)
from .strict import strict

DESCRIPTION = """\
For the apps of 网格: of inspectors, handlers and the centre.

**Log in** at `POST /api/auth/app/v1/auth/login` with `{"username", "password"}`; the answer's
`meta.session_token` goes into the header `X-Session-Token` of every call.

**Nothing is lost or doubled**: the phone chooses the id of a report and the key of a move, and may repeat both.
**Positions** carry their coordinate system. **Moments** carry their offset. **Words** follow `Accept-Language`
(`zh-hans`, `en`). **Errors** are problem details (RFC 9457) with a stable `code`.
"""

api = PhonesApi(title="Wangge", version="1", description=DESCRIPTION, urls_namespace="mobile", parser=CleanParser())
problems.install(api)
api.add_decorator(strict, mode="view")
api.add_decorator(counting)
for noun in (
    me,
    preferences,
    cases,
    photos,
    inbox,
    digest,
    duty,
    exports,
    leave,
    devices,
    hooks,
    pairs,
    rechecks,
    stats,
    scores,
    bulletin,
    trials,
):
    api.add_router("", noun.router)
