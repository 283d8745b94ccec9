"""manage.py new_city FOLDER: write the templates of a new city, or check step by step what was made of them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from cases.loading import new_city
from cases.loading.command import refusing

SHOWN = 10  # findings of one step; mending them shows the rest


class Command(BaseCommand):
    """Exit codes: 0 the templates were written, or all is good; 1 something is to be mended. Nothing is loaded."""

    help = "Write a folder of templates for a new city; once it is there, check it step by step."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--name", default="", help="of the city, in its own language")
        parser.add_argument("--code", default="", help="of its highest area, as long as AREA_WIDTHS says")
        parser.add_argument("--centre", type=float, nargs=2, metavar=("LON", "LAT"), help="somewhere in its middle")

    def handle(
        self, *args: Any, folder: Path, name: str, code: str, centre: list[float] | None, **options: Any
    ) -> None:
        if (folder / "city.json").exists():
            self._check(folder)
            return
        if not (name and code and centre):
            raise CommandError(_("新城市需要 --name 名称 --code 最上级区域代码 --centre 经度 纬度"))
        with refusing():
            written = new_city.write(folder, name=name, code=code, centre=(centre[0], centre[1]))
        for path in written:
            self.stdout.write(str(path))
        again = {"command": f"./dev manage new_city {folder}"}
        self.stdout.write(self.style.SUCCESS(_("模板已写好：请逐个填写，再运行 %(command)s 检查") % again))

    def _check(self, folder: Path) -> None:
        with refusing():
            for step in new_city.check(folder):
                self.stdout.write(f"{'✗' if step.refusals else '✓'} {step.title}")
                for found in step.refusals[:SHOWN]:
                    self.stdout.write(self.style.ERROR(f"  {found}"))
                if step.refusals:
                    raise CommandError(_("请先改正这 %(n)d 处，再检查一次") % {"n": len(step.refusals)})
        self.stdout.write(self.style.SUCCESS(_("全部通过。依次载入：")))
        for command in (
            f"load_taxonomy {folder / 'taxonomy'}",
            f"load_city {folder}",
            f"load_duties {folder / 'duties.csv'}",
            f"load_policies {folder / 'policies'}",
        ):
            self.stdout.write(f"  ./dev manage {command}")
