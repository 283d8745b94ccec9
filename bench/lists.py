"""./dev bench lists: how long the lists of cases take among a million, by what is asked.

The cases are written straight into the table: nine of ten closed, all over the demo cities, short Chinese texts. An
auditor of the whole city asks for a page of twenty through the very code of GET cases, seven times each; the median of
the last six counts. `--keep` asks what is there already.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.db import connection  # noqa: E402

from cases import paging  # noqa: E402
from cases.models import Case  # noqa: E402
from grid.models import Officer  # noqa: E402
from grid.moment import now  # noqa: E402
from grid.roles import Role  # noqa: E402
from mobile_api.routers.cases import _within  # noqa: E402
from mobile_api.schemas import Filters  # noqa: E402

STREETS = [
    "滨河路",
    "深南大道",
    "红荔路",
    "福华路",
    "民族路",
    "胜利路",
    "琼龙路",
    "新寨街",
    "竹子林四路",
    "香梅路",
    "莲花路",
    "彩田路",
    "扎西大街",
    "益田路",
]
THINGS = [
    "井盖",
    "垃圾桶",
    "路灯",
    "护栏",
    "树枝",
    "广告牌",
    "共享单车",
    "消防栓",
    "公交站亭",
    "污水",
    "电缆",
    "围挡",
    "绿化带",
    "人行道砖",
]
TROUBLES = [
    "破损",
    "丢失",
    "外溢",
    "倾倒",
    "歪斜",
    "乱堆放",
    "占道",
    "松动异响",
    "堵塞",
    "未清运",
    "积水",
    "遮挡交通标志",
    "油漆脱落",
    "有异味",
]
RARE = "骆驼"
ONE_IN = 20_000  # cases whose text has the rare word

FILL = """
INSERT INTO cases_case (
    uuid, number, digest, source, off_cell_m, point, place, text, reported_at, stage, asks, entered_at, clock, level,
    provisional, cell_id, category_id, reporter_id, due_at, alarm_at, allowed_s, promise_at)
SELECT
    gen_random_uuid(), 'WG20260101' || lpad((5000000 + n)::text, 7, '0'), sha256(n::text::bytea), 'inspector', 0,
    'SRID=4326;POINT(114.05 22.54)',
    street || (1 + n %% 997) || '号',
    street || '与' || (%(streets)s)[1 + (n / 7) %% %(ns)s] || '路口' || thing || trouble || '，距路口约' || (n %% 313)
        || '米，请尽快处理' || CASE WHEN n %% %(one_in)s = 0 THEN %(rare)s ELSE '' END,
    now() - n * interval '20 seconds', stage, '', now() - n * interval '20 seconds', 'urgent_hour', 0, false,
    cells.ids[1 + n %% cells.count], categories.ids[1 + n %% categories.count],
    inspectors.ids[1 + n %% inspectors.count],
    CASE WHEN stage <> 'closed' THEN now() + (n %% 9973 - 3000) * interval '1 minute' END, NULL, 7200,
    now() + (n %% 9973 - 3000) * interval '1 minute'
FROM generate_series(1, %(cases)s) n
CROSS JOIN LATERAL (SELECT
    (%(streets)s)[1 + (n * 31) %% %(ns)s] street, (%(things)s)[1 + (n / 11) %% %(nt)s] thing,
    (%(troubles)s)[1 + (n / 13) %% %(nr)s] trouble,
    CASE WHEN n %% 10 > 0 THEN 'closed' ELSE
        (ARRAY['filing', 'dispatch', 'handling', 'handling', 'handling', 'check', 'closing'])[1 + n / 10 %% 7] END stage
) said
CROSS JOIN (SELECT array_agg(id) ids, count(*) count FROM grid_cell) cells
CROSS JOIN (SELECT array_agg(id) ids, count(*) count FROM cases_category WHERE sub <> '') categories
CROSS JOIN (SELECT array_agg(id) ids, count(*) count FROM grid_officer WHERE 'inspector' = ANY (roles)) inspectors
"""

ASKED: Mapping[str, Mapping[str, Any]] = {
    "all, by due": {},
    "all, by due, its 10th page": {"pages": 10},
    "all, newest first": {"sort": "new"},
    "late": {"late": True},
    "late overall": {"late_overall": True},
    "of one department's area": {"area": "632701"},
    "a whole number": {"q": "number"},
    "the end of a number, 6 digits": {"q": "tail"},
    "two characters, in every 14th (井盖)": {"q": "井盖"},
    "two characters, in every 20,000th": {"q": RARE},
    "four characters (扎西大街)": {"q": "扎西大街"},
    "a sentence": {"q": "滨河路与深南大道路口路灯歪斜"},
    "two characters that are nowhere": {"q": "飞碟"},
    "one character": {"q": "骆"},
}


def fill(cases: int) -> float:
    """Seconds that it took."""
    lists = {"streets": STREETS, "things": THINGS, "troubles": TROUBLES}
    counts = {"ns": len(STREETS), "nt": len(THINGS), "nr": len(TROUBLES)}
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(FILL, {**lists, **counts, "cases": cases, "rare": RARE, "one_in": ONE_IN})
        took = time.perf_counter() - began
        cursor.execute("VACUUM ANALYZE cases_case")
    return took


def ask(officer: Officer, asked: Mapping[str, Any]) -> tuple[float, int]:
    """Milliseconds of the last page asked for, and how many cases it held."""
    said = dict(asked)
    pages = said.pop("pages", 1)
    known = Case.objects.order_by("id")[4321].number
    if "q" in said:
        said["q"] = {"number": known, "tail": known[-6:]}.get(said["q"], said["q"])
    times, found = [], []
    for _n in range(7):
        cursor = None
        for _page in range(pages):
            filters = Filters(view="all", cursor=cursor, **said)
            began = time.perf_counter()
            within = _within(officer, filters, now())
            found, cursor = paging.page(within, sort=filters.sort, limit=filters.limit, cursor=cursor)
            took = time.perf_counter() - began
        times.append(took * 1000)
    return statistics.median(times[1:]), len(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench lists", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    if not given.keep:
        print(f"{given.cases:,} cases in {timedelta(seconds=round(fill(given.cases)))}")
    officer = Officer.objects.create(username=f"bench{time.time_ns()}", roles=[Role.AUDITOR])
    known = set(Filters.model_fields)
    print("| asked | ms | cases on the page |\n|---|---|---|")
    for name, asked in ASKED.items():
        if set(asked) - {"pages"} <= known:
            took, found = ask(officer, asked)
            print(f"| {name} | {took:,.1f} | {found} |", flush=True)
    officer.delete()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
