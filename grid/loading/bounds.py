"""What a file that came from anywhere may cost: bytes, depth, memory; and that it stays in its folder.

Nothing here touches the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from .outcome import Refused

try:
    import resource
except ImportError:  # not a Unix: there the system alone bounds what a process takes
    resource = None  # type: ignore[assignment]

FILE_BYTES = 256 * 2**20  # the components of a city of millions take less
COLUMNS = 300
NAME_BYTES = 255  # of a file or a folder, as systems allow


def weighed(path: Path) -> Path:
    """The path, of a file that is there and not larger than any we need. Raises Refused."""
    if not path.is_file():
        raise Refused("file_missing", _("没有这个文件：%(path)s") % {"path": path})
    if path.stat().st_size > FILE_BYTES:
        raise Refused("file_large", _("文件太大：最多 %(most)d MB") % {"most": FILE_BYTES // 2**20})
    return path


def inside(folder: Path, name: str) -> Path:
    """A file of the folder by its name, wherever links lead. Raises Refused for one that lies elsewhere."""
    if not isinstance(name, str) or not _is_name(name):
        message = _("“%(name)s”不是文件名：请只写文件夹里的文件名，例如 cells.geojson")
        raise Refused("file_name_invalid", message % {"name": str(name)[:40].replace("\0", "\ufffd")})
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Refused("file_elsewhere", _("“%(name)s”不在城市文件夹里：请把文件放进来，只写文件名") % {"name": name})
    return path


def _is_name(said: str) -> bool:
    """Whether a system takes it at all: no unseen signs, no half ones, no part too long, and not many parts."""
    try:
        parts = said.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    return said.isprintable() and len(parts) <= 8 and all(len(part) <= NAME_BYTES for part in parts)


def parsed(text: str) -> Any:
    """What a JSON text holds. Raises Refused for what is no JSON, or nested deeper than anything that we read."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise Refused("file_deep", _("JSON 的括号嵌套太深")) from None
    except ValueError as error:
        raise Refused("not_json", _("不是规范的 JSON：%(error)s") % {"error": error}) from None


def _no_number(said: str) -> float:
    raise ValueError(said)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """This process may take settings.LOAD_MEMORY_MB more than it has. Raises Refused for what would take more.

    For commands alone: the limit holds for all threads of a process.
    """
    if resource is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = _taken() + settings.LOAD_MEMORY_MB * 2**20
    if before[1] != resource.RLIM_INFINITY:
        most = min(most, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    except MemoryError:
        said = _("读这些文件要用的内存超过 %(most)d MB（LOAD_MEMORY_MB）") % {"most": settings.LOAD_MEMORY_MB}
        raise Refused("file_costly", said) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _taken() -> int:
    """Bytes of address space that this process has; none where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
