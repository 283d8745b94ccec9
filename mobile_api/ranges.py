"""A part of a file's bytes, for a phone that goes on where its download broke (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from .problems import problem

ONE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def partly(request: HttpRequest, whole: HttpResponse | FileResponse) -> HttpResponse | FileResponse:
    """The part that a request asks for, else the whole: of one range alone, and of an answer that stands there (200).

    With If-Range, only where that is the answer's ETag: another file begins anew.
    """
    whole.headers["Accept-Ranges"] = "bytes"
    asked = ONE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    same = request.headers.get("If-Range", whole.headers.get("ETag")) == whole.headers.get("ETag")
    if not asked or asked[0] == "bytes=-" or not same or whole.status_code != 200:
        return whole
    size = int(whole.headers["Content-Length"]) if isinstance(whole, FileResponse) else len(whole.content)
    first, last = _bounds(asked[1], asked[2], size)
    body = _cut(whole, first, last)
    if not body:
        return _beyond(size)
    return HttpResponse(
        body,
        status=206,
        headers={
            **whole.headers,
            "Content-Range": f"bytes {first}-{last}/{size}",
            "Content-Length": str(len(body)),
        },
    )


def let_go(answer: HttpResponseBase) -> None:
    """Close the file of an answer that is not sent. The answer's own close() would end the request for Django."""
    if file := getattr(answer, "file_to_stream", None):
        file.close()


def _cut(whole: HttpResponse | FileResponse, first: int, last: int) -> bytes:
    if not isinstance(whole, FileResponse):
        return whole.content[first : last + 1]
    file: IO[bytes] = whole.file_to_stream  # type: ignore[assignment]  # a view gives it a file
    with file:
        file.seek(first)
        return file.read(max(last + 1 - first, 0))


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1


def _beyond(size: int) -> HttpResponse:
    answer = problem(416, "range_unfit", _("文件共 %(size)d 字节，没有所要的部分。") % {"size": size})
    answer.headers["Content-Range"] = f"bytes */{size}"
    return answer
