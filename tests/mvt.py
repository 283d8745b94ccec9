"""Reads a vector tile: as much of the format as a test asks. See the Mapbox Vector Tile specification, 4.1 to 4.4."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

Layers = dict[str, list[dict[str, Any]]]


def read(tile: bytes) -> Layers:
    """The features of each layer, by the layer's name: their properties, and `id` and `at` (their first position)."""
    return {name: features for field, body in _fields(tile) if field == 3 for name, features in [_layer(body)]}


def _layer(body: bytes) -> tuple[str, list[dict[str, Any]]]:
    name, keys, values, features = "", [], [], []
    for field, said in _fields(body):
        if field == 1:
            name = said.decode()
        elif field == 2:
            features.append(dict(_fields(said)))
        elif field == 3:
            keys.append(said.decode())
        elif field == 4:
            values.append(_value(said))
    return name, [_feature(feature, keys, values) for feature in features]


def _feature(said: dict[int, Any], keys: list[str], values: list[Any]) -> dict[str, Any]:
    tags = list(_numbers(said.get(2, b"")))
    found = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
    _move, x, y = list(_numbers(said[4]))[:3]
    return found | {"id": said.get(1), "at": (_zigzag(x), _zigzag(y))}


def _value(said: bytes) -> Any:
    field, value = next(_fields(said))
    if field == 1:
        return value.decode()
    if field == 3:
        return struct.unpack("<d", value)[0]
    return _zigzag(value) if field == 6 else value


def _fields(body: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        if tag & 7 == 0:
            value, at = _varint(body, at)
        else:
            size, at = (8, at) if tag & 7 == 1 else (4, at) if tag & 7 == 5 else _varint(body, at)
            value, at = body[at : at + size], at + size
        yield tag >> 3, value


def _numbers(body: bytes) -> Iterator[int]:
    at = 0
    while at < len(body):
        value, at = _varint(body, at)
        yield value


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, at = body[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _zigzag(n: int) -> int:
    return (n >> 1) ^ -(n & 1)
