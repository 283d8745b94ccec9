from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = "案卷"

    def ready(self) -> None:
        from . import checks, flags, forecast, rechecks, tally  # noqa: F401  registers its checks and its consumers
