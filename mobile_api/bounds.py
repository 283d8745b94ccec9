"""How deep and how wide a JSON body may be, found by one look over its bytes before anything is made of it. Pure.

A body that passes is still to be parsed and validated; but that costs no more than its bytes.
"""

from __future__ import annotations

import re

DEPTH = 20  # of objects and lists in one another
NAMES = 10_000  # of fields, in all objects together
ITEMS = 20_000  # of fields and elements together
DIGITS = 400  # of one number

TEXTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")
LONG_NUMBER = re.compile(rb"\d{%d}" % DIGITS)
SHORT = 2_000  # bytes that cannot hold too many of anything


def examine(body: bytes) -> str:
    """The code of the refusal: "bad_json" for what is no UTF-8 or no number, "too_complex"; empty where it may pass."""
    if b"\0" in body:  # JSON holds none; UTF-16 does
        return "bad_json"
    if len(body) < SHORT and body.count(b"{") + body.count(b"[") <= DEPTH and not LONG_NUMBER.search(body):
        return ""
    bare = TEXTS.sub(b"", body)
    if LONG_NUMBER.search(bare):
        return "bad_json"
    names, items = bare.count(b":"), bare.count(b",")
    return "too_complex" if names > NAMES or items > ITEMS or _depth(bare) > DEPTH else ""


def _depth(bare: bytes) -> int:
    deepest = depth = 0
    for bracket in BRACKETS.finditer(bare):
        depth += 1 if bracket.group() in (b"[", b"{") else -1
        deepest = max(deepest, depth)
    return deepest
