"""A case's whole day at the desk, each post at its own browser, in both languages."""

from __future__ import annotations

from types import SimpleNamespace

from django.utils.translation import override

from cases import flags
from cases.flow import Purpose, Stage, Verb
from cases.models import Case, Policy
from grid.models import Officer

from . import city as town
from . import pictures
from .desk import Visit

PHOTO = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": pictures.snap()}


WIDE, NARROW = ("zh-hans", 1280), ("en", 390)


def test_a_case_goes_from_the_clerk_to_its_end(visit: Visit) -> None:
    """The department's people, and the inspector, read English on the screen of a phone."""
    city = town.build()
    Policy.objects.all().delete()  # nothing goes by itself
    case = town.report(city, condition=None)

    def act(officer: Officer, verb: Verb, *, look: tuple[str, int] = WIDE, photo: bool = False, **said: str) -> None:
        """Open the case from the officer's own queue, and make the move."""
        code, width = look
        with override(code):
            label = str(verb.label)
        page = visit(officer, "/queue/", language=code, width=width)
        page.locator("[data-row] a").first.click()
        page.locator("#act").get_by_role("link", name=label, exact=True).click()
        form = page.locator("form.move")
        form.wait_for()
        for choice in form.locator("fieldset").all():
            choice.locator("input").first.check()
        for name, value in said.items():
            form.locator(f"[name={name}]").select_option(value)
        if photo:
            form.locator("input[type=file]").first.set_input_files([PHOTO])
        form.locator("[name=note]").fill("…")
        form.get_by_role("button", name=label, exact=True).click()
        page.locator(".note.success").wait_for()
        page.context.close()

    act(city.carl, Verb.FILE)
    act(city.dora, Verb.DISPATCH)
    act(city.hugo, Verb.FINISH, look=NARROW, photo=True)
    act(city.carl, Verb.ORDER_CHECK, holder=str(city.ivan.pk))
    act(city.ivan, Verb.PASS, look=NARROW, photo=True)
    flags.look(case)  # as the worker does: it is the very same photo
    stands(case, Stage.CLOSING, city)
    act(city.sina, Verb.ANSWER)
    act(city.sina, Verb.CLOSE)
    stands(case, Stage.CLOSED, city)


def stands(case: Case, stage: Stage, city: SimpleNamespace) -> None:
    case.refresh_from_db()
    assert (case.stage, case.department) == (stage, city.roads)
    assert Purpose.AFTER in {one.purpose for one in case.evidence.all()}
