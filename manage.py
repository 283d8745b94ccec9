#!/usr/bin/env python
"""Django's command line, in the terminal's language: what an operator can mend is a sentence, no traceback."""

import os
import sys

from deploy.tongue import language, told

SERVING = ("qcluster", "hands", "runserver")  # they speak to officers, each in his own language


def main(words: list[str]) -> None:
    """`--traceback` tells the whole story."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    os.environ["WANGGE_LANG"] = language()  # for who asks the environment anew
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError
    from django.utils import translation

    try:
        django.setup()
        if words[1:2] and words[1] not in SERVING:
            translation.activate(language())
        execute_from_command_line(words)
    except (ImproperlyConfigured, OperationalError) as trouble:
        if "--traceback" in words:
            raise
        reason = (str(trouble).strip() or type(trouble).__name__).splitlines()[0]
        if isinstance(trouble, OperationalError):
            reason = told("The database did not answer: {reason}", reason=reason)
        sys.exit(reason)


if __name__ == "__main__":
    main(sys.argv)
