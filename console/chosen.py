"""Photos that a person chose for a form, and that are still chosen when the form comes back.

A browser forgets chosen files with the page. So where the page itself comes again, what was sent is kept under its
hash, and the form carries the hashes, each with its picture and a tick to take it away. Where scripts run the field
stays on the page and keeps its files; chosen.js shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from cases import photos
from cases.photos import PhotoRefused
from grid.models import Officer

ACCEPTED = "image/jpeg,image/png,image/webp,image/heic,.heic"
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Chosen:
    """Files that come with the form, and photos that have come before."""

    files: tuple[UploadedFile[bytes], ...] = ()
    kept: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.kept)

    def photos(self, by: Officer) -> Iterator[str]:
        """The hashes, each once; files are kept first, as a phone does. Raises PhotoRefused."""
        gone = set(photos.missing(self.kept))
        arrived = [sha for sha in self.kept if sha not in gone]
        yield from dict.fromkeys([*arrived, *(_keep(file, by) for file in self.files)])


def _keep(file: UploadedFile[bytes], by: Officer) -> str:
    photos.weigh(file.size or 0)
    file.seek(0)
    body = file.read()
    photo, _new = photos.keep(sha256(body).hexdigest(), body, by=by, limited=True)
    return str(photo.pk)


class PhotosInput(forms.ClearableFileInput):
    """A field for several files, and the pictures of those that have come before."""

    allow_multiple_selected = True
    template_name = "console/part/chosen.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Chosen:
        said = data.getlist(f"{name}_kept") if hasattr(data, "getlist") else []
        kept = tuple(sha for sha in dict.fromkeys(said) if HASH.fullmatch(sha))
        return Chosen(tuple(file for file in super().value_from_datadict(data, files, name) or () if file), kept)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in files and f"{name}_kept" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, None, attrs)
        context["kept"] = value.kept if isinstance(value, Chosen) else ()
        if context["kept"]:
            context["widget"]["attrs"].pop("required", None)
        return context


class PhotosField(forms.FileField):
    """Several photos. Its value is a Chosen."""

    widget = PhotosInput

    def clean(self, data: Any, initial: Any = None) -> Chosen:
        chosen: Chosen = data or Chosen()
        if not chosen and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        for file in chosen.files:
            super().clean(file, initial)
        return chosen

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data


def keep(form: forms.Form, names: Iterable[str], by: Officer) -> None:
    """Keep what came with a form that comes back, so that it is still chosen there. What is no photo is told."""
    said: Any = form.data
    said = said.copy()
    for name in names:
        for file in form.files.getlist(name) if name in form.fields and form.files else ():
            try:
                said.appendlist(f"{name}_kept", _keep(file, by))
            except PhotoRefused as refused:
                form.add_error(name, str(refused))
    form.data = said
