"""What is found wrong at the start, or by `manage.py check`: a flow without end, rules with holes.

Holes are warnings. A database that is still being filled has them, and `migrate` must run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise
from operator import or_
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from grid import fonts
from grid.models import Area, Department, Officer
from grid.moment import today

from . import audience, flow, rulebook, unattended
from .models import Category, Condition, Duty, Edition, Holiday, Rung, StageLimit, Timetable

NAMED = 5
"""So many examples are named in a warning."""
MOST_LETTERS = 20
"""And so many characters."""


@register()
def every_case_can_end(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [Error(flaw, id="cases.E001") for flaw in flow.flaws()]


@register(Tags.database)
def the_rules_have_no_holes(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Asked of a database alone, and only once it has this code's tables."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or not _migrated():
        return []
    return [message for hole in HOLES for message in hole()]


def _migrated() -> bool:
    """Whether the tables are those of this code: `migrate` asks before it makes them so."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _one_edition() -> Iterator[CheckMessage]:
    if (count := Edition.objects.count()) != 1:
        sentence = _("规则版本应有一行，现有 %(count)s 行：规则尚未载入，或数据库触发器缺失") % {"count": count}
        yield Warning(sentence, id="cases.W001")


def _sub_classes() -> QuerySet[Category]:
    return Category.objects.filter(scheme=settings.CATEGORY_SCHEME, closed_on=None).exclude(sub="")


def _scheme_loaded() -> Iterator[CheckMessage]:
    if not _sub_classes().exists():
        sentence = _("分类体系 %(scheme)s 还没有载入") % {"scheme": settings.CATEGORY_SCHEME}
        yield Warning(sentence, hint="manage.py load_taxonomy", id="cases.W002")


def _conditions() -> Iterator[CheckMessage]:
    day = today()
    in_force = Condition.objects.filter(
        Q(closed_on=None) | Q(closed_on__gt=day), category=OuterRef("pk"), valid_from__lte=day
    )
    bare = _sub_classes().exclude(Exists(in_force))
    yield from _named(bare, _("%(count)s 个小类没有有效的立案条件，无法自动立案：%(named)s"), "cases.W003")


def _duties() -> Iterator[CheckMessage]:
    holding = (Q(category=OuterRef(above)) for above in ("pk", "parent", "parent__parent"))
    owed = Duty.objects.filter(reduce(or_, holding), department__closed_on=None)
    bare = _sub_classes().exclude(Exists(owed))
    yield from _named(bare, _("%(count)s 个小类没有责任单位，须由派遣员派遣：%(named)s"), "cases.W004")


def _named(rows: QuerySet[Category], sentence: str, code: str) -> Iterator[CheckMessage]:
    if count := rows.count():
        names = _("、").join(f"{row.major}-{row.sub} {row.name}" for row in rows[:NAMED])
        yield Warning(sentence % {"count": count, "named": names}, id=code)


def _timetable() -> Iterator[CheckMessage]:
    if not Timetable.objects.filter(department=None).exists():
        yield Warning(_("没有全市的作息，工作时限无法计算"), hint="manage.py load_policies", id="cases.W005")


def _readable() -> Iterator[CheckMessage]:
    reads: tuple[tuple[QuerySet[Any], Callable[[Any], object]], ...] = (
        (Timetable.objects.all(), lambda row: row.calendar({}, frozenset())),
        (StageLimit.objects.all(), StageLimit.limit),
    )
    for rows, read in reads:
        for row in rows:
            try:
                read(row)
            except ValueError as error:
                named = {"what": row._meta.verbose_name, "row": row, "why": error}
                sentence = _("%(what)s“%(row)s”无法使用，系统当作没有这一行：%(why)s") % named
                yield Warning(sentence, hint="manage.py load_policies", id="cases.W010")


def _ladder() -> Iterator[CheckMessage]:
    ladders: dict[tuple[Any, ...], list[Rung]] = {rulebook.EVERYBODY: []}
    for rung in Rung.objects.select_related("category", "department").order_by("level"):
        ladders.setdefault(tuple(getattr(rung, name) for name in Rung.SCOPE), []).append(rung)
    for rungs in ladders.values():
        named = {"ladder": rungs[0].ladder() if rungs else _("通用")}
        if not any(rung.share == 1 for rung in rungs):
            sentence = _("升级阶梯（%(ladder)s）没有时限届满这一级，超期无人知会") % named
            yield Warning(sentence, hint="manage.py load_policies", id="cases.W006")
        if any(higher.share <= lower.share for lower, higher in pairwise(rungs)):
            sentence = _("升级阶梯（%(ladder)s）没有逐级升高") % named
            yield Warning(sentence, hint="manage.py load_policies", id="cases.W008")


def _hearings() -> Iterator[CheckMessage]:
    if steps := audience.silent(rulebook.current()):
        names = _("、").join(f"{verb.label}（{stage.label}）" for verb, stage in steps[:NAMED])
        sentence = _("%(count)s 处操作无人知会：%(named)s") % {"count": len(steps), "named": names}
        yield Warning(sentence, hint="manage.py load_policies", id="cases.W009")


def _holidays() -> Iterator[CheckMessage]:
    year = today().year
    if year not in Holiday.objects.known_years():
        sentence = _("%(year)s 年的节假日还没有载入，时限都是暂定的") % {"year": year}
        yield Warning(sentence, hint="manage.py load_holidays", id="cases.W007")


def _letters() -> Iterator[CheckMessage]:
    """Names stand in the bulletin as in the city's own scripts."""
    told = {
        *chain.from_iterable(Area.objects.values_list("name", "name_en")),
        *chain.from_iterable(Department.objects.values_list("name", "name_en")),
        *chain.from_iterable(Category.objects.values_list("name", "name_en")),
        *Officer.objects.values_list("name", flat=True),
    }
    try:
        missing = fonts.missing_characters(told)
    except OSError:
        yield Warning(_("无法得知装有哪些字体"), hint="apt-get install fontconfig", id="cases.W012")
        return
    if missing:
        examples = _("、").join(sorted(name for name in told if set(missing) & set(name))[:NAMED])
        said = {"letters": fonts.listed(missing[:MOST_LETTERS]), "count": len(missing), "named": examples}
        sentence = _("没有字体能显示 %(count)s 个字符（%(letters)s），月报里会印成方框：%(named)s") % said
        yield Warning(sentence, hint="apt-get install fonts-noto-core fonts-noto-cjk", id="cases.W011")


def _unattended() -> Iterator[CheckMessage]:
    if found := unattended.numbers():
        said = {"count": len(found), "named": _("、").join(found)}
        sentence = _("%(count)s 件在办案卷没有在岗的人能办理：%(named)s") % said
        yield Warning(sentence, hint=_("为其单位、责任网格或岗位安排人员"), id="cases.W013")


HOLES: Collection[Callable[[], Iterator[CheckMessage]]] = (
    _one_edition,
    _scheme_loaded,
    _conditions,
    _duties,
    _timetable,
    _readable,
    _ladder,
    _hearings,
    _holidays,
    _letters,
    _unattended,
)
