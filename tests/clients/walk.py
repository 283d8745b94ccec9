"""The main job, by a client that openapi-python-client generated: run with the address, the password and photos.

Type-checked against the generated code, and run as a program of its own: it knows nothing of this project.
"""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.request
import uuid
from io import BytesIO
from pathlib import Path

from wangge_client import AuthenticatedClient
from wangge_client.api.cases import answer_flag, get_case, list_cases, move_case, report_case
from wangge_client.api.me import get_city, get_me
from wangge_client.api.photos import get_photo, put_photo
from wangge_client.models import AnswerIn, CaseOut, City, Crs, Fix, Kept, Me, MoveIn, Problem, Purpose, ReportIn, Shown
from wangge_client.models.verb import Verb
from wangge_client.types import File


def phone(address: str, name: str, password: str) -> AuthenticatedClient:
    """Somebody logged in."""
    said = json.dumps({"username": name, "password": password}).encode()
    login = urllib.request.Request(  # noqa: S310  an address of the test's own server
        f"{address}/api/auth/app/v1/auth/login", said, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(login) as answer:  # noqa: S310
        token: str = json.load(answer)["meta"]["session_token"]
    return AuthenticatedClient(
        base_url=address, token=token, prefix="", auth_header_name="X-Session-Token", raise_on_unexpected_status=True
    )


def sent(client: AuthenticatedClient, path: str, purpose: Purpose) -> list[Shown]:
    """A photo, uploaded."""
    picture = Path(path).read_bytes()
    sha256 = hashlib.sha256(picture).hexdigest()
    kept = put_photo.sync(sha256, client=client, body=File(payload=BytesIO(picture)))
    assert isinstance(kept, Kept) and kept.sha256 == sha256, kept
    shown = get_photo.sync(sha256, client=client)
    assert isinstance(shown, File) and shown.payload.read()[8:12] == b"WEBP"
    return [Shown(sha256=sha256, purpose=purpose)]


def moved(client: AuthenticatedClient, case: CaseOut, said: MoveIn) -> CaseOut:
    answer = move_case.sync(case.id, client=client, body=said)
    assert isinstance(answer, CaseOut), answer
    return answer


def walk(address: str, password: str, photos: list[str]) -> str:
    """Report, finish, pass, close; gives the stage in which the case ends."""
    inspector, handler, checker, clerk = (phone(address, name, password) for name in ("ann", "hugo", "ivan", "carl"))
    me = get_me.sync(client=inspector)
    assert isinstance(me, Me) and me.name == "Ann"
    city = get_city.sync(client=inspector)
    assert isinstance(city, City)
    category = next(each for each in city.categories if each.name == "上水井盖")
    report = ReportIn(
        id=uuid.uuid4(),
        category=category.id,
        condition=category.conditions[-1].id,
        point=Fix(lon=float(sys.argv[2]), lat=float(sys.argv[3]), crs=Crs.WGS84, accuracy_m=8),
        text="井盖响动",
        photos=sent(inspector, photos[0], Purpose.NEAR),
    )
    case = report_case.sync(client=inspector, body=report)
    assert isinstance(case, CaseOut), case
    again = report_case.sync(client=inspector, body=report)
    assert isinstance(again, CaseOut) and again.number == case.number
    early = move_case.sync(case.id, client=clerk, body=MoveIn(verb=Verb.CLOSE))
    assert isinstance(early, Problem) and early.code == "not_now" and early.allowed
    moved(handler, case, MoveIn(verb=Verb.FINISH, photos=sent(handler, photos[1], Purpose.AFTER)))
    moved(checker, case, MoveIn(verb=Verb.PASS, photos=sent(checker, photos[2], Purpose.NEAR)))
    told = get_case.sync(case.id, client=clerk)
    assert isinstance(told, CaseOut)
    for flag in told.raised or ():
        answer_flag.sync(case.id, flag.id, client=clerk, body=AnswerIn(note="示例照片", accepted=True))
    page = list_cases.sync(client=clerk)
    assert page is not None and not isinstance(page, Problem) and [line.id for line in page.items] == [case.id]
    return str(moved(clerk, case, MoveIn(verb=Verb.CLOSE)).stage.code)


if __name__ == "__main__":
    sys.stdout.write(walk(sys.argv[1], sys.argv[4], sys.argv[5:]))
