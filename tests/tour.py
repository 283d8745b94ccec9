"""A city in which every page of the desk has something to show, and who looks at which page of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings

from cases import outbox, periods, whatif
from cases.flow import Verb
from cases.loading import evaluation
from cases.models import Case, Scheme
from console.settings.nouns import NOUNS
from grid.models import Officer
from grid.moment import now, today

from . import acts, audit
from . import city as town

MINE = ("/me/inbox/", "/me/preferences/", "/me/leave/", "/account/password/", "/account/sessions/", "/account/logout/")
SCORES = ("/scores/", "/scores/?scheme=department&basis=cohort", "/scores/what-if/", "/scores/dictionary/")
TRIALS = ("/scores/trials/", "/scores/trials/new/", "/scores/trials/new/?scheme=department")
SETTINGS = ("/settings/", "/settings/changes/", "/settings/year/", *(f"/settings/{noun.slug}/" for noun in NOUNS))


def plant(language: str) -> SimpleNamespace:
    """A case with its late department, one to be filed, one that is closed and doubted."""
    city = town.build()
    evaluation.load(Path(settings.BASE_DIR) / "fixtures/evaluation")
    if language == "en":
        audit.speak_english(city)
    city.doubt = acts.doubt(city, note="…")
    city.new = town.report(city, by=city.carl, source="hotline")
    city.case = town.report(city)
    acts.move(city.case, Verb.SUPERVISE, city.lena, note="…")
    outbox.drain()
    Case.objects.update(text="…")
    limits = [{"condition": city.rattling.pk, "value": "1", "unit": "urgent_hour"}]
    scheme = Scheme.objects.get(code="department")
    city.trial = whatif.begin(scheme, periods.of("month", today()), {"limits": limits}, city.sina)
    whatif.reckon(city.trial.pk)
    return city


def pages(city: SimpleNamespace) -> Iterable[tuple[Officer | None, tuple[str, ...]]]:
    """Who reads what. Between them they see every page of the desk but maps, which are pictures with a table beside."""
    new, case, done = (f"/case/{one.number}/" for one in (city.new, city.case, city.doubt.case))
    yield None, ("/account/login/", "/nowhere/")
    yield city.carl, ("/queue/file/", "/cases/", "/cases/?q=none", new, new + "file/", new + "void/", *MINE)
    yield city.dora, ("/queue/dispatch/", case, case + "assist/", "/map/table/", "/oversight/duty/")
    yield city.hugo, ("/queue/handle/", case, case + "finish/", case + "ask/", "/exports/", "/settings/")
    yield city.sina, ("/queue/doubts/", done, "/oversight/pairs/", *SCORES, *TRIALS, f"/scores/trials/{city.trial.pk}/")
    yield (
        city.lena,
        ("/board/", "/board/?wall=1", "/scores/bulletin/", "/scores/bulletin/2026-02/", case + "supervise/"),
    )
    department = f"kind=department&subject={city.roads.pk}&from={now():%Y-%m}-01"
    behind = f"/scores/cases/?indicator=handle_on_time&part=denominator&{department}"
    yield city.aude, (behind, f"/scores/subject/{city.roads.pk}/?scheme=department", f"/oversight/duty/{city.ivan.pk}/")
    yield city.ivan, ("/queue/check/", "/me/track/", "/account/second/")
    scheme = f"/settings/schemes/{city.trial.scheme_id}/"
    yield city.adam, (scheme, scheme + "next/", "/settings/schemes/new/")
    yield city.adam, (*SETTINGS, "/settings/duties/new/", "/settings/conditions/new/", "/settings/officers/new/")
