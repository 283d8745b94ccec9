"""./dev bench debts: how fast the outbox drains with every way out in use.

Cases are reported by the docket, so that each event is owed to every consumer that wants it: inbox, figures, push, web
hooks, text messages. FCM, a program and a gateway are HTTP servers on loopback, in a process of their own, that answer
at once. Then one process drains, as the worker does, until nothing is owed. Each debt must have been paid: a line in
the inbox, a ring, a call and a text for each, none twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

OUTSIDE = """
import json, sys
from pathlib import Path
from tests import fcm
from tests.test_hooks import Receiver
with fcm.running() as phones, Receiver().listening() as program, Receiver().listening() as gateway:
    account = str(phones.service_account(Path(sys.argv[1])))
    print(json.dumps({"fcm": phones.url, "account": account, "hook": program.url, "sms": gateway.url}), flush=True)
    sys.stdin.readline()
    heard = [len(phones.delivered), len(program.sent), len(gateway.sent)]
    print(json.dumps(heard), flush=True)
"""


def outside(folder: str) -> subprocess.Popen[str]:
    """Other people's servers."""
    said = {"SECRET_KEY": "x", "DJANGO_SETTINGS_MODULE": "backend.settings"}
    command = (sys.executable, "-c", "import django; django.setup()\n" + OUTSIDE, folder)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | said)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench debts", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, outside(folder) as servers:
        assert servers.stdin and servers.stdout
        where = json.loads(servers.stdout.readline())
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "LOG_LEVEL": "WARNING",
            "FCM_CREDENTIALS": where["account"],
            "FCM_ENDPOINT": where["fcm"],
            "HOOKS": "1",
            "HOOK_HOSTS": "127.0.0.1",
            "SMS_URL": where["sms"],
            "SMS_TOKEN": "t",
        }
        measure(given.cases, where["hook"])
        servers.stdin.write("\n")
        servers.stdin.flush()
        rings, calls, texts = json.loads(servers.stdout.readline())
        print(f"outside were heard: {rings} rings, {calls} calls, {texts} texts")
    return 0


def measure(cases: int, hook: str) -> None:
    import django

    django.setup()
    from django.db import connection

    from bench import escalations
    from cases import outbox
    from cases.models import Category, Outbox
    from grid.models import Officer
    from grid.moment import now
    from mobile_api import hooks
    from mobile_api.models import Device, Hook, Message

    people = Officer.objects.filter(is_active=True)
    people.update(phone="13900000000")
    Category.objects.update(urgent=True)
    Device.objects.bulk_create(
        Device(officer=person, token=f"t{person.pk}", platform="android", seen_at=now()) for person in people
    )
    by = people.order_by("pk")[0]
    Hook.objects.create(
        name="OA", url=hook, secret=hooks.new_secret(), verbs=["dispatch"], created_by=by, created_at=now()
    )
    escalations.fill(cases)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE cases_outbox")
    owed = Counter(Outbox.objects.values_list("consumer", flat=True))
    began, spent = time.perf_counter(), Counter[str]()
    for name, consumer in outbox.CONSUMERS.items():
        outbox.CONSUMERS[name] = outbox.Consumer(timed(name, consumer.pay, spent), consumer.wants)
    while Outbox.objects.exists():
        outbox.drain()
    seconds = time.perf_counter() - began
    total = sum(owed.values())
    print(f"{cases} cases, {total} debts, {Message.objects.count()} messages, by one process")
    print(f"in {seconds:.1f} s: {total / seconds:.0f} debts/s; load average {os.getloadavg()[0]:.1f}")
    for name, count in owed.items():
        print(f"  {name:6} {count:6} debts, {count / max(spent[name], 1e-9):6.0f}/s while it had its turn")


def timed(name: str, pay: Callable[[Any], None], spent: Counter[str]) -> Callable[[Any], None]:
    """The same, with a watch beside it."""

    def paying(events: Any) -> None:
        began = time.perf_counter()
        try:
            pay(events)
        finally:
            spent[name] += time.perf_counter() - began

    return paying


if __name__ == "__main__":
    sys.exit(main())
