"""Photos: send one under its hash, look at one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from ninja import Path, Router, Schema, Status
from pydantic import Field

from cases import photos
from cases.models import Photo

from ..auth import Request, officer
from ..counting import counts_itself
from ..operations import download, raw
from ..problems import Problem
from ..ranges import partly
from ..vocabulary import Sha256
from .cases import STAFF

router = Router(tags=["photos"])
REFUSALS = {401: Problem, 403: Problem, 404: Problem, 422: Problem, 503: Problem}

TYPES = {kind: f"image/{kind}" for kind in ("jpeg", "png", "webp", "heic")}
SENT = {"requestBody": {"required": True, "content": raw(*TYPES.values())}}
SHOWN = download("the picture", "image/webp", "image/*")
SHOWN["responses"][206] = SHOWN["responses"][200] | {"description": "the part of it that `Range` asked for"}

PREVIEW = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
# Whatever else an original may be for a program that opens it, for a browser it is a download and nothing more.
ORIGINAL = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class Kept(Schema):
    """A photo as it was received. It is kept as it came, and never changed."""

    sha256: str
    kind: Literal["jpeg", "png", "webp", "heic"]
    size: int = Field(description="bytes", examples=[2_418_530])
    width: int = Field(description="pixels, upright", examples=[3000])
    height: int = Field(description="pixels, upright", examples=[4000])
    taken_at: datetime | None = Field(description="by the camera's clock, from the EXIF")
    received_at: datetime


@router.put(
    "photos/{sha256}",
    auth=officer(*STAFF),
    response={201: Kept, 200: Kept, **REFUSALS, 413: Problem, 507: Problem},
    openapi_extra=SENT,
)
@counts_itself
def send(request: Request, sha256: Path[Sha256]) -> Status[Photo]:
    """Send a photo: its bytes as they are, as the body, with a Content-Length. JPEG, PNG, WebP or HEIC.

    201 for a new one, 200 for the same again, also from another phone, which also brings back a file that was lost; 507
    where the server's disk is full: keep the photo and send it later. It is decoded at once: what is damaged, too
    big or something else than a photo is refused. The order is free: a report may name photos that come later.
    """
    photos.weigh(int(request.META.get("CONTENT_LENGTH") or 0))
    photo, new = photos.keep(sha256, request.read(), by=request.auth, limited=True)
    return Status(201 if new else 200, photo)


@router.get(
    "photos/{sha256}",
    auth=officer(*STAFF),
    response={200: None, 206: None, 304: None, **REFUSALS, 416: Problem},
    openapi_extra=SHOWN,
)
def show(request: Request, sha256: Path[Sha256], size: Literal["320", "1280", "original"] = "1280") -> Any:
    """A photo I sent, or one shown in a case that I see: a preview (WebP, upright, longer side 320 or 1280 pixels).

    `original` gives the bytes as they came, as a download, to its sender, the supervision centre, leaders and
    auditors; each look is logged. A download that broke goes on with `Range`.
    """
    whole = _original(request, sha256) if size == "original" else _preview(request, sha256, int(size))
    return partly(request, whole)


def _preview(request: Request, sha256: str, size: int) -> HttpResponse:
    webp = photos.preview(sha256, size, to=request.auth)
    answer = HttpResponse(webp, content_type="image/webp", headers=PREVIEW | {"ETag": f'"{sha256}-{size}"'})
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer


def _original(request: Request, sha256: str) -> FileResponse:
    photo, file = photos.original(sha256, to=request.auth)
    kind = TYPES[photo.kind]
    named = ORIGINAL | {"ETag": f'"{sha256}"'}
    return FileResponse(file, as_attachment=True, filename=f"{sha256}.{photo.kind}", content_type=kind, headers=named)
