"""Every operation of the OpenAPI document is asked what its schema allows, and what it does not (schemathesis).

None breaks, and every answer has a status, a type of content and a shape that the document names. What is asked is
drawn from a seed; keys of the tiny city are put in the place of others, so that more than refusals is reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from inspect import isclass
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as searching
from hypothesis import strategies as st
from pydantic import BaseModel
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from grid.roles import Role
from mobile_api.api import api

from . import city as town

EXAMPLES = 10
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = schemathesis.openapi.from_dict(api.get_openapi_schema())
OPERATIONS = {found.ok().label: found.ok() for found in DOCUMENT.get_all_operations()}
SEARCH = searching(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def one_connection() -> Iterator[None]:
    """Requests come in the test's own transaction and leave it open, as those of Django's test client do."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    try:
        yield
    finally:
        for moment in (request_started, request_finished):
            moment.connect(close_old_connections)


@pytest.fixture
def token(city: SimpleNamespace, clock: Any, settings: Any) -> str:
    """Of an officer who holds every post, in a city where there is something to see."""
    settings.HOOKS = True
    case = town.report(city)
    city.known = {
        "id": [str(case.uuid)],
        "case": [str(case.uuid)],
        "category": [city.manhole.pk],
        "condition": [city.rattling.pk],
        "department": [city.roads.pk],
        "officer": [city.ann.pk],
        "holder": [city.ann.pk],
        "area": [city.street.code],
        "sha256": [town.photo(city.ann)],
        "scheme": ["department", "street"],
    }
    every = city.lena
    every.roles, every.department = [str(role) for role in Role], city.roads
    every.save()
    return str(town.phone(every).defaults["HTTP_X_SESSION_TOKEN"])


def known(said: Any, city: SimpleNamespace, draw: Any) -> None:
    """Put keys that there are into what is said, about every second time."""
    if isinstance(said, list):
        for each in said:
            known(each, city, draw)
    if isinstance(said, dict):
        for name, value in said.items():
            if name in city.known and draw(st.booleans()):
                said[name] = draw(st.sampled_from(city.known[name]))
            else:
                known(value, city, draw)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_it_answers_as_the_document_says(label: str, city: SimpleNamespace, token: str) -> None:
    operation = OPERATIONS[label]
    operation.app = operation.schema.app = WSGIHandler()
    either = [
        operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]

    @SEARCH
    @given(st.data())
    def ask(data: Any) -> None:
        case = data.draw(st.one_of(either))
        for part in (case.path_parameters, case.query, case.body):
            known(part, city, data.draw)
        with transaction.atomic(), one_connection():
            answer = case.call(headers={"X-Session-Token": token})
            transaction.set_rollback(True)
        away = answer.status_code == 503  # the document says when
        case.validate_response(answer, checks=CHECKS[away:])

    ask()


def test_no_two_parts_of_the_document_share_a_name() -> None:
    """The second of two would stand for both."""
    found: set[type] = set()

    def walk(kind: Any) -> None:
        for part in get_args(kind):
            walk(part)
        if isclass(kind) and issubclass(kind, BaseModel | Enum) and kind not in found:
            found.add(kind)
            for field in kind.model_fields.values() if issubclass(kind, BaseModel) else ():
                walk(field.annotation)

    for _prefix, router in api._routers:
        for operation in (each for view in router.path_operations.values() for each in view.operations):
            for model in (*operation.models, *operation.response_models.values()):
                if getattr(model, "__ninja_param_source__", "body") == "body":
                    walk(model)
    wrapping = ("NinjaResponseSchema", "BodyParams")  # around what an operation gives and takes
    names = Counter(kind.__name__ for kind in found if kind.__name__ not in wrapping)
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []
