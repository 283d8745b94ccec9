"""What play/ says at the terminal: in its language, with a bar where there is one and plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from django.utils.translation import override
from tqdm import tqdm

from cases.flow import Verb
from deploy.tongue import language, told

OURS = ("photo", "duty", "position", "recheck", "decide", "too late", "errors", "rung")


def bar(title: str, total: int, **more: Any) -> tqdm[Any]:
    """A bar to be updated, on stderr; elsewhere its title alone."""
    if not sys.stderr.isatty():
        print(f"-> {title}", file=sys.stderr, flush=True)
    return tqdm(total=total, desc=title, disable=None, mininterval=0.5, **more)


def deed(what: str) -> str:
    """What was counted, for people: a verb of the table, or one of ours; a refusal by its code."""
    if what in Verb.values:
        with override(language()):
            return str(Verb(what).label)
    return told(what) if what in OURS else what
