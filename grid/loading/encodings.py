"""In which encoding a file's texts are: by what the bytes are, for what a file declares is often a program's default.

Chinese offices write GBK or UTF-8, and their programs declare either, a Western code page or nothing. Text that is
valid UTF-8 is as good as never anything else; of the rest, bytes that make common Chinese characters throughout are
GBK. Where two readings are possible, nothing is guessed: city.json may say `encoding`. Nothing here touches the
database.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from .outcome import Refused

UTF8, CHINESE, WESTERN = "utf-8", "gb18030", "cp1252"
SEVERAL_BYTES = {CHINESE, UTF8, "big5", "cp950", "cp932", "shift_jis", "cp949", "euc_kr"}
ODD = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}  # Python's own, no text of a file
ENOUGH = 6  # characters that speak for GBK by themselves
COMMON = 0.9  # of the characters of a Chinese text, those of GB 2312

# The byte 29 of a dBASE file: "language driver"
DRIVERS = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: WESTERN,
    0x13: "cp932",
    0x4D: CHINESE,
    0x4E: "cp949",
    0x4F: "cp950",
    0x57: WESTERN,
    0x65: "cp866",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: CHINESE,
    0x7B: "cp932",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
}


@dataclass(frozen=True)
class Reading:
    """How texts are read; `doubt` is an example where it was decided against what the file declares, or without."""

    encoding: str
    doubt: str = ""


def known(name: Any) -> str:
    """Python's name for an encoding as people and programs write it: GBK, 936, ANSI 1252, UTF-8. Raises Refused."""
    name = str(name)[:40]
    plain = re.sub(r"^(ansi|oem|ms|windows|cp|ibm)[\s_-]*(?=\d)", "", name.strip().lower())
    plain = {"65001": UTF8, "88591": WESTERN, "iso-8859-1": WESTERN, "1252": WESTERN}.get(plain, plain)
    plain = f"cp{plain}" if plain.isdigit() else plain
    try:
        found = codecs.lookup(plain)
        if found.name.replace("_", "-") in ODD or not getattr(found, "_is_text_encoding", True):  # zlib, rot13
            raise LookupError(plain)
    except (LookupError, ValueError, AttributeError):
        message = _("不认识的文字编码“%(name)s”：请写 UTF-8 或 GBK") % {"name": name}
        raise Refused("encoding_unknown", message) from None
    chinese = {"gbk", "gb2312", "cp936", CHINESE, "hz"}
    return CHINESE if found.name in chinese else UTF8 if found.name == "utf-8-sig" else found.name


def title(encoding: str) -> str:
    """An encoding as people call it."""
    return {"": "UTF-8", CHINESE: "GBK"}.get(encoding, encoding.upper())


def declared(table: Path) -> str:
    """What the .cpg or the head of a dBASE table says of its encoding; nothing, where neither says anything known."""
    page = next((path for path in map(table.with_suffix, (".cpg", ".CPG")) if path.is_file()), None)
    if page:
        try:
            return known(page.read_bytes()[:40].decode("ascii", "replace"))
        except Refused:
            return ""
    with table.open("rb") as file:
        head = file.read(32)
    return DRIVERS.get(head[29], "") if len(head) == 32 else ""


def decide(texts: Sequence[bytes], *, said: str = "", told: str = "") -> Reading:
    """How a file's texts are read: `said` is a person's word and holds, `told` the file's own. Raises Refused."""
    high = [text for text in texts if not text.isascii()]
    if said:
        if _as(high, said) is None:
            raise Refused("file_not_utf8", _("文字不是 %(encoding)s 编码") % {"encoding": title(said)})
        return Reading(said)
    if not high:
        return Reading(UTF8)
    utf8, chinese = _as(high, UTF8), _as(high, CHINESE)
    likely = chinese is not None and _is_chinese(chinese)
    if utf8 is not None:
        if not likely or any(unicodedata.name(sign, "").startswith("CJK") for sign in utf8):
            return Reading(UTF8, "" if told in (UTF8, "") else _example(utf8))
        if told in (UTF8, CHINESE):
            return Reading(told)
        raise _doubtful(utf8, chinese or "")
    if told == CHINESE and chinese is not None:
        return Reading(CHINESE)
    if likely and chinese and told in (UTF8, WESTERN, "") and len(chinese) >= ENOUGH:
        return Reading(CHINESE, _example(chinese))
    other = _as(high, told) if told and told != UTF8 else None
    if other is not None and (told in SEVERAL_BYTES or chinese is None):
        return Reading(told)
    raise _doubtful(other or "", chinese or "")


def _as(texts: Sequence[bytes], encoding: str) -> str | None:
    """The signs beyond ASCII, read so. A text may end within a sign, for tables cut them. None: it is not that."""
    try:
        said = [codecs.getincrementaldecoder(encoding)().decode(text) for text in texts]
    except UnicodeError:  # UTF-16 without its mark too
        return None
    found = "".join(sign for text in said for sign in text if not sign.isascii())
    return None if any(unicodedata.category(sign) in ("Cc", "Co", "Cn") for sign in found) else found


def _is_chinese(signs: str) -> bool:
    common = sum(len(sign.encode("gb2312", "ignore")) == 2 for sign in signs)
    return bool(signs) and common >= COMMON * len(signs)


def _example(signs: str) -> str:
    return signs[:12]


def _doubtful(*readings: str) -> Refused:
    examples = _("、").join(f"“{_example(signs)}”" for signs in readings if signs)
    message = _("看不出文字是什么编码：请在旁边的 .cpg 文件里写明，例如 GBK，或在 city.json 里给这个文件写上 encoding")
    if examples:
        message = _("%(message)s。可能的读法：%(examples)s") % {"message": message, "examples": examples}
    return Refused("file_not_utf8", message)
