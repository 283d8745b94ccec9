"""How what phones send is read before anything judges it: texts as they are kept, in bodies and in queries alike."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from grid.typed_text import cleaned, is_blank


class CleanParser(Parser):
    """JSON and queries with cleaned texts: no text is refused for a character, and what shows nothing is empty."""

    def parse_body(self, request: HttpRequest) -> Any:
        return readable(super().parse_body(request))

    def parse_querydict(self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest) -> Any:
        return readable(super().parse_querydict(data, list_fields, request))


def readable(said: Any) -> Any:
    """The same with cleaned texts, names of fields too, however deep they stand."""
    match said:
        case str():
            return said if said.isascii() and said.isprintable() else "" if is_blank(said) else cleaned(said)
        case list():
            return [readable(each) for each in said]
        case dict():
            return {readable(name): readable(each) for name, each in said.items()}
        case _:
            return said
