"""A door with three rooms, beside the real way in, and phones that come through it: for the tests of sessions."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.test import Client
from django.urls import include, path
from ninja import NinjaAPI

from grid.roles import Role
from mobile_api import problems
from mobile_api.auth import officer

from .city import PASSWORD

rooms = NinjaAPI(urls_namespace="rooms")
problems.install(rooms)


@rooms.get("hall", auth=officer())
def hall(request: HttpRequest) -> str:
    return request.auth.username


@rooms.get("desk", auth=officer(Role.CLERK, Role.DISPATCHER))
def desk(request: HttpRequest) -> str:
    return request.auth.username


urlpatterns = [path("rooms/", rooms.urls), path("", include("backend.urls"))]

AUTH = "/api/auth/app/v1"
WRONG = "not-" + PASSWORD


class Phone:
    """A phone that knows nothing but HTTP and the token it was given."""

    def __init__(self, token: str = "", **headers: str):
        self.token, self.headers = token, headers

    def ask(self, method: str, where: str, **said: Any) -> Any:
        headers = self.headers | ({"X-Session-Token": self.token} if self.token else {})
        return Client(headers=headers).generic(method, where, json.dumps(said), content_type="application/json")

    def login(self, name: str, password: str = PASSWORD) -> Any:
        answer = self.ask("POST", f"{AUTH}/auth/login", username=name, password=password)
        self.token = answer.json().get("meta", {}).get("session_token", "")
        return answer

    def comes_in(self) -> bool:
        return self.ask("GET", "/rooms/hall").status_code == 200


def logged_in(name: str, **headers: str) -> Phone:
    phone = Phone(**headers)
    assert phone.login(name).status_code == 200
    return phone


def codes(answer: Any) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def guess(name: str, times: int, **headers: str) -> None:
    for _ in range(times):
        assert codes(Phone(**headers).login(name, WRONG)) == ["username_password_mismatch"]
