from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = "案卷"

    def ready(self) -> None:
        from grid import reorganising

        from . import checks, flags, forecast, handover, rechecks, tally  # noqa: F401  registers checks and consumers

        reorganising.FOLLOWERS.append(
            reorganising.Follower(settle=lambda ground: handover.settle(ground=ground).in_words(), owed=handover.owed)
        )
