"""What browsers load: each file under a name that tells its content, compressed once, without source maps.

A file is shipped under that name alone. Whatever asks for another name finds nothing, at a desk as in a test: a module
that was reached by two names would run twice. `collectstatic` over files that have not changed writes nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import brotli
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.storage import Storage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# All files in a fifth of a second. The highest levels take a minute of it, and save 5 %.
BROTLI_QUALITY, GZIP_LEVEL = 6, 6
# A worker, or any other file that a module names for itself.
OWN_URL = r"""(?P<matched>new URL\(["'](?P<url>\.{1,2}/[^"']+)["'], import\.meta\.url\))"""
MAP = ".map"

Sources = Mapping[str, tuple[Storage, str]]


class ShippedFiles(StaticFilesConfig):
    """Django's static files, but for the source maps of others: megabytes that only their authors need."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, f"*{MAP}"]


class NamedByContent(CompressedManifestStaticFilesStorage):
    """Sheets and modules name each other by content as well. Others' `.mjs` are whole, and stay as published."""

    support_js_module_import_aggregation = True
    keep_intermediate_files = False
    keep_only_hashed_files = True
    patterns = (*HashedFilesMixin.patterns, ("*.js", ((OWN_URL, 'new URL("%(url)s", import.meta.url)'),)))

    def post_process(self, paths: Sources, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Does nothing where these very sources have been shipped before."""
        if dry_run:
            return
        sources = _fingerprint(paths)
        if self._has_shipped(sources):
            self.delete_files(set(paths))  # that collectstatic has just copied
            return
        yield from super().post_process(paths, **options)
        self._stamp.write_text(sources)

    def url_converter(
        self, name: str, hashed_files: dict[str, str], template: str | None = None
    ) -> Callable[[re.Match[str]], str]:
        """A line that points to a source map is left out, for the map is."""
        convert = super().url_converter(name, hashed_files, template)
        return lambda found: "" if found["url"].endswith(MAP) else str(convert(found))

    def create_compressor(self, **options: Any) -> Compressor:
        return Once(**options)

    @property
    def _stamp(self) -> Path:
        return Path(f"{self.location}.sources")

    def _has_shipped(self, sources: str) -> bool:
        """After all was written. A file that somebody has taken away is made again."""
        known = self._stamp.exists() and self._stamp.read_text() == sources
        return known and all(map(self.exists, self.hashed_files.values()))


class Once(Compressor):
    """Compresses what has not been under its name yet, and puts a result in its place when it is whole."""

    def compress(self, path: str) -> list[str]:
        return [] if Path(f"{path}.gz").exists() else super().compress(path)  # that is written last

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=BROTLI_QUALITY))

    @staticmethod
    def compress_gzip(data: bytes) -> bytes:
        return gzip.compress(data, GZIP_LEVEL, mtime=0)

    def write_data(self, path: str, data: bytes, suffix: str, stat_result: os.stat_result) -> str:
        half = super().write_data(path, data, f"{suffix}.half", stat_result)
        return str(Path(half).replace(f"{path}{suffix}"))


def _fingerprint(paths: Sources) -> str:
    """Of the sources, and of what makes the shipped files out of them."""
    makers = (version("django"), version("whitenoise"), hashlib.sha256(Path(__file__).read_bytes()).hexdigest())
    digest = hashlib.sha256("\0".join(makers).encode())
    for name, (storage, path) in sorted(paths.items()):
        with storage.open(path) as source:
            digest.update(f"\0{name}\0{hashlib.sha256(source.read()).hexdigest()}".encode())
    return digest.hexdigest()
