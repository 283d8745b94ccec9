"""How large a request's body may be, and how one is told that it is not taken.

The front (backend.front) waits for bodies and measures them by `most`; what it did not take it leaves to the
middleware here, which also measures for every other server. Under /api the answer is problem details.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from mobile_api.bounds import examine
from mobile_api.problems import problem

TROUBLE = "wangge.trouble"  # in the WSGI environment: why the front took no body
API, AUTH, PHOTOS = "/api/", "/api/auth/", "/api/mobile/v1/photos/"
AUTH_BYTES = 16_384  # a name, a password, a code
LARGEST = max(settings.FORM_BYTES, settings.PHOTO_BYTES, settings.JSON_BYTES)
AGAIN_S = "2"

Answer = Callable[[int, list[tuple[str, str]], bytes], None]


def most(path: str, kind: str) -> int:
    """The largest body that is taken there, in bytes. A form with files may bring several photos."""
    if path.startswith(PHOTOS):
        return int(settings.PHOTO_BYTES)
    if path.startswith(AUTH):
        return AUTH_BYTES
    if kind.startswith("multipart/form-data") and not path.startswith(API):
        return int(settings.FORM_BYTES)
    return int(settings.JSON_BYTES)


class Bodies:
    """Middleware: says no to a body that was not taken, or is not going to be."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        trouble = request.META.get(TROUBLE, "")
        if _size(request) > most(request.path, request.content_type or "") and not request.path.startswith(PHOTOS):
            trouble = "too_large"  # a photo's own door says more
        if not trouble and request.path.startswith(API) and not request.path.startswith(PHOTOS):
            trouble = examine(request.body)
        return _refusal(request, trouble) if trouble else self.get_response(request)


def _size(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() and len(said) < 20 else 0


def _refusal(request: HttpRequest, trouble: str) -> HttpResponse:
    limit = most(request.path, request.content_type or "")
    status, says = {
        "too_large": (413, _("内容过大，这里最多 %(most)d 字节。") % {"most": limit}),
        "too_slow": (408, _("内容没有在限定的时间内传完，什么也没有写入。请稍后原样重发。")),
        "too_complex": (422, _("内容嵌套过深，或项目过多。")),
        "bad_json": (400, _("请求内容不是有效的 JSON。")),
        "length_required": (411, _("请求须带有 Content-Length。")),
    }[trouble]
    return _told(request.path, status, trouble, says)


def busy(path: str, languages: str, answer: Answer) -> None:
    """Tell, without a thread, that all are at work and many wait."""
    with translation.override(_tongue(languages)):
        told = _told(path, 503, "busy", _("服务繁忙，请稍后再试。"))
    answer(503, [*told.items(), ("Retry-After", AGAIN_S)], told.content)


def _told(path: str, status: int, code: str, says: str) -> HttpResponse:
    if path.startswith(API):
        return problem(status, code, says)
    return HttpResponse(says, status=status, content_type="text/plain; charset=utf-8")


def _tongue(languages: str) -> str:
    for code, _weight in parse_accept_lang_header(languages):
        with translation.override(None):
            try:
                return translation.get_supported_language_variant(code)
            except LookupError:
                continue
    return str(settings.LANGUAGE_CODE)
