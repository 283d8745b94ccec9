"""Texts as they are kept: what no screen shows and no file keeps is dropped, and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.typed_text import cleaned, is_blank, one_line

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("表格\u000b换行", "表格\n换行"),
        ("删\u0008字", "删字"),
        ("甲\u000c乙", "甲\n乙"),
        ("红\u001b[31m字", "红[31m字"),
        ("甲\ufffe乙\U0010ffff\ufdd0", "甲乙"),
        ("半\ud83d个", "半个"),
        ("行一\r\n行二\r行三\u2028行四\x85行五", "行一\n行二\n行三\n行四\n行五"),
        ("表\t格", "表\t格"),
        ("张\u202e三\u2066李\u2069", "张三李"),
        ("WG\u200b2026\ufeff1130", "WG20261130"),
        ("Cafe\u0301", "Café"),
        (FAMILY, FAMILY),
        ("مەن\u200cئۇ\u200f", "مەن\u200cئۇ\u200f"),
        ("䶮\ue863", "䶮\ue863"),  # GBK's own
        ("葛\U000e0100城", "葛\U000e0100城"),  # which form of the ideograph
        ("-5℃路面结冰", "-5℃路面结冰"),
    ],
)
def test_a_text_keeps_what_can_be_read(typed: str, kept: str) -> None:
    assert cleaned(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", " \n\t", "\u200b\u200d\u2060", "\u3164\u115f", "\u2800", " \u0301", "\u3000\ufeff"]
)
def test_what_shows_nothing_is_blank(typed: str) -> None:
    assert is_blank(typed)


@pytest.mark.parametrize("typed", ["。", "0", "\ue863", FAMILY, " 甲\u200b"])
def test_what_shows_anything_is_not(typed: str) -> None:
    assert not is_blank(typed)


def test_names_are_one_line() -> None:
    assert one_line("  城管\v一 \u3000 科\u202e\r\n") == "城管 一 科"


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_is_storable_in_every_file(typed: str) -> None:
    kept = cleaned(typed)
    assert cleaned(kept) == kept == unicodedata.normalize("NFC", kept)
    kept.encode()
    assert not any(ord(char) < 32 and char not in "\n\t" for char in kept)
    assert not any(ord(char) & 0xFFFE == 0xFFFE for char in kept)
