"""Photos, small for everybody who sees their case, as they came for those who judge."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from cases import photos
from cases.photos import PhotoRefused

from ..door import STAFF, Request, desk, told

KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
# Whatever else an original may be for a program that opens it, for a browser it is a download and nothing more.
CLOSED = {"Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}


@require_safe
@desk(*STAFF)
def show(request: Request, sha256: str, size: str) -> HttpResponseBase:
    """A preview, or the original as a download; each look at an original is logged."""
    if size == "original":
        return _original(request, sha256)
    if size not in map(str, settings.PREVIEW_SIZES):
        raise Http404
    try:
        webp = photos.preview(sha256, int(size), to=request.user)
    except PhotoRefused as refused:  # a browser shows in the photo's place what comes as a picture, whatever its status
        busy, said = refused.code == "photo_busy", {"says": str(refused)}
        shown = render(request, "console/lost.svg", said, content_type="image/svg+xml", status=503 if busy else 404)
        if busy:
            shown["Retry-After"] = str(photos.again_s())
        return shown
    answer = HttpResponse(webp, content_type="image/webp", headers=KEPT | {"ETag": f'"{sha256}-{size}"'})
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer


def _original(request: Request, sha256: str) -> HttpResponseBase:
    try:
        photo, file = photos.original(sha256, to=request.user)
    except PhotoRefused as refused:
        return told(request, str(refused), 404 if refused.code == "photo_lost" else 403)
    return FileResponse(
        file, as_attachment=True, filename=f"{sha256}.{photo.kind}", content_type=f"image/{photo.kind}", headers=CLOSED
    )
