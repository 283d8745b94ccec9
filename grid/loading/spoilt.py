"""What spreadsheets do to telephone numbers and codes: figures that only look like them.

A row in which it happened is refused with a sentence that says how to mend it: what was there before cannot be told
from what is left. Signs that nobody sees are no reason: `typed_text` drops them. Nothing here touches the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

from .outcome import Refused

SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE)
AS_TEXT = re.compile(r"['‘’`][0-9]+")  # an apostrophe asks a spreadsheet for text, and some export it
POINT_ZERO = re.compile(r"\+?[0-9]{4,}\.0+")
PHONE = re.compile(r"\+?[0-9(][0-9 ()./-]{1,}(?:(?:ext\.?|x|#|转)\s?[0-9]+)?", re.IGNORECASE)


def legible(fields: Mapping[str, str]) -> None:
    """Raises Refused where a column holds a figure that was a code or a number once."""
    for column, said in fields.items():
        if SCIENTIFIC.fullmatch(said):
            message = _("%(column)s 列的“%(said)s”是表格软件改成的科学计数：请把这一列设为文本，重新填写")
            raise Refused("number_spoilt", message % {"column": column, "said": said})
        if AS_TEXT.fullmatch(said):
            message = _("%(column)s 列的“%(said)s”前面多了一个撇号：请删去")
            raise Refused("number_spoilt", message % {"column": column, "said": said})


def phone(said: str) -> None:
    """Raises Refused for what cannot be called."""
    if POINT_ZERO.fullmatch(said):
        message = _("电话“%(said)s”后面的小数是表格软件加的：请把这一列设为文本，重新填写")
        raise Refused("number_spoilt", message % {"said": said})
    if said and not PHONE.fullmatch(said):
        raise Refused("phone_invalid", _("“%(said)s”不像电话号码：请填数字，例如 +86 139 0000 0001") % {"said": said})
