"""What the application needs of the door's tables: see grid/rights.py."""

from __future__ import annotations

from grid.rights import EDITED, FREE, Rights, give

from . import models

give(
    {
        models.Message: Rights(add=True, change=("read_at",)),
        models.Device: FREE,
        models.Hook: EDITED,
        models.Delivery: Rights(add=True, change=("status", "tries", "code", "note", "seconds", "tried_at")),
        models.Preference: EDITED,
        models.Digest: Rights(add=True, remove=True),
    }
)
