"""Why the system decided as it did: codes with figures where they are stored, sentences where they are read.

A reason is a mapping with a "code" and what its sentence needs. Stored once with the event that it explains,
it is told to each reader in his language, also years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from grid.roles import Role
from grid.words import english

from .clock import Unit
from .flow import Source, Verb
from .models import Kind

Reason = Mapping[str, Any]

SENTENCES = {
    # What the system does by itself
    "policy_yes": gettext_lazy("“%(verb)s”按自动流转规则 %(policy)s 由系统完成（%(source)s，%(area)s）。"),
    "policy_no": gettext_lazy("“%(verb)s”按自动流转规则 %(policy)s 留待人工（%(source)s，%(area)s）。"),
    "policy_none": gettext_lazy("没有“%(verb)s”的自动流转规则，留待人工。"),
    "flags_open": gettext_lazy("证据有 %(count)s 处疑点待核验，系统不自动结案。"),
    "drawn": gettext_lazy("从责任网格的 %(count)s 名监督员中随机抽取，第 %(nth)s 名核查。"),
    "drawn_on_duty": gettext_lazy("从在岗的 %(count)s 名监督员（本责任网格或附近）中随机抽取，第 %(nth)s 名核查。"),
    "drawn_none": gettext_lazy("责任网格没有可以抽取的监督员，由受理员指定核查人。"),
    "recheck_drawn": gettext_lazy("从 %(count)s 名与本案无关的监督员中随机抽取，第 %(nth)s 名复查。"),
    "recheck_missed": gettext_lazy("先前抽中的 %(count)s 人未按时前往，已另行抽取。"),
    "recheck_lapsed": gettext_lazy("期限内无人复查，复查终止。"),
    "recheck_withdrawn": gettext_lazy("案卷已重启，复查随之终止。"),
    "recheck_failed": gettext_lazy("复查认为不属实：%(note)s"),
    "by_hand": gettext_lazy("“%(verb)s”之后由人工决定，系统不自动流转。"),
    # Which condition
    "condition_chosen": gettext_lazy("立案条件 %(no)s 由上报人选定：%(text)s"),
    "condition_only": gettext_lazy("“%(category)s”只有一个适用的立案条件：%(text)s"),
    "condition_open": gettext_lazy("“%(category)s”有 %(count)s 个立案条件，上报时没有选定，由受理员选择。"),
    "condition_none": gettext_lazy("“%(category)s”当日没有有效的立案条件，由受理员处理。"),
    "condition_region": gettext_lazy("单元网格属于“%(region_class)s”，采用该区域的立案条件。"),
    # Which department
    "component_none": gettext_lazy("上报没有指明部件，无法按部件登记确定责任单位。"),
    "owner_none": gettext_lazy("部件 %(component)s 没有登记权属单位。"),
    "maintainer_none": gettext_lazy("部件 %(component)s 没有登记养护单位。"),
    "supervisor_none": gettext_lazy("部件 %(component)s 没有登记主管部门。"),
    "owner": gettext_lazy("部件 %(component)s 的权属单位是%(department)s。"),
    "maintainer": gettext_lazy("部件 %(component)s 的养护单位是%(department)s。"),
    "supervisor": gettext_lazy("部件 %(component)s 的主管部门是%(department)s。"),
    "territory_none": gettext_lazy("%(areas)s 都没有登记“%(category)s”或其大类的属地责任。"),
    "competent_none": gettext_lazy("全市没有登记“%(category)s”或其大类的责任单位。"),
    "territory": gettext_lazy("责任清单第 %(duty)s 条：%(area)s的“%(category)s”由%(department)s负责。"),
    "competent": gettext_lazy("责任清单第 %(duty)s 条：全市的“%(category)s”由%(department)s负责。"),
    "department_closed": gettext_lazy("%(department)s 已撤销，不再向其派遣。"),
    "heir_asked": gettext_lazy("%(was)s由%(department)s承接。"),
    "nobody": gettext_lazy("没有找到责任单位，由派遣员决定。"),
    # Which limit
    "limit_condition": gettext_lazy("时限取自立案条件 %(no)s：%(limit)s。"),
    "limit_stage": gettext_lazy("环节时限：%(limit)s。"),
    "limit_stage_source": gettext_lazy("%(source)s的环节时限：%(limit)s。"),
    "limit_stage_urgent": gettext_lazy("紧急类别的环节时限：%(limit)s。"),
    "limit_stage_urgent_source": gettext_lazy("%(source)s、紧急类别的环节时限：%(limit)s。"),
    "limit_none": gettext_lazy("本环节没有规定时限。"),
    "limit_rework_spent": gettext_lazy("第 %(count)s 次返工，只按原时限剩余的 %(left)s 计。"),
    "limit_declined": gettext_lazy("该单位曾退回此案，按退回时剩余的 %(left)s 计。"),
    "limit_rework": gettext_lazy("返工时限：按原时限剩余的 %(left)s 计，但不少于原时限的 %(share)s。"),
    "limit_extended": gettext_lazy("准予延期：%(limit)s。"),
    "limit_resumed": gettext_lazy("恢复后按原计时方式，继续用挂账时剩余的 %(left)s。"),
    "limit_given": gettext_lazy("派单时为协办规定的时限：%(limit)s。"),
    "limit_waits": gettext_lazy("协办案卷办结后才开始计时。"),
    "until": gettext_lazy("挂账到期自动恢复。"),
    # Which rung
    "rung": gettext_lazy("时限已用 %(share)s，知会%(role)s。"),
    "rung_nobody": gettext_lazy("时限已用 %(share)s，但各级岗位均无人可知会。"),
    "rung_at_night": gettext_lazy("本级提醒不分昼夜。"),
    "rung_by_day": gettext_lazy("本级提醒避开免打扰时段。"),
    "post_skipped": gettext_lazy("%(role)s无人在岗，由上一级代为知会。"),
    "alarm_put_off": gettext_lazy("提醒未能发出，一小时后再试；原因见系统日志。"),
    # Which reply
    "unsatisfied": gettext_lazy("来电人认为没有解决，或不满意：可以重启案卷。"),
    "reply_due": gettext_lazy("须在 %(moment)s 前回复。"),
    "reply_missing": gettext_lazy("督办应在 %(moment)s 前回复，至今没有回复。"),
    "reply_late": gettext_lazy("督办应在 %(moment)s 前回复，回复已迟。"),
    # Which child, which parent
    "child_opened": gettext_lazy("协办案卷 %(number)s。"),
    "assists": gettext_lazy("协办 %(number)s。"),
    "children_open": gettext_lazy("协办案卷 %(numbers)s 尚未办结，办结之前不结案。"),
    "children_over": gettext_lazy("协办案卷均已办结。"),
    "with_parent": gettext_lazy("主办案卷 %(number)s 已作废，本案随之作废。"),
    # Which duplicate
    "linked_to": gettext_lazy("并入 %(number)s，随其结案。"),
    "stood_before": gettext_lazy("撤销并案，回到并案前的环节，时限重新起算。"),
    "with_master": gettext_lazy("主案 %(number)s 已结案，本案随之结案。"),
    "master_void": gettext_lazy("主案 %(number)s 已作废，本案解除并案，重新立案。"),
    # Who has it now
    "holder_gone": gettext_lazy("%(holder)s已不能办理此案（停用、调岗或调离），不再由其承办。"),
    "nobody_patrols": gettext_lazy("所在单元网格没有监督员，任务收回。"),
    "heir": gettext_lazy("%(was)s已撤销，由%(department)s承接，时限继续计算。"),
    "no_heir": gettext_lazy("%(was)s已撤销，没有承接单位，由派遣员重新派遣。"),
    "no_department": gettext_lazy("此案没有责任单位（原为自处置），转入待派遣。"),
    "cell_moved": gettext_lazy("单元网格 %(was)s 已停用或重划，该地点现属 %(cell)s。"),
    "retimed": gettext_lazy("工作时间、节假日或升级阶梯已更新，时限据此重算。"),
}


def say(reason: Reason) -> str:
    """The sentence of a reason in the reader's language. An unknown code is told as it stands."""
    sentence = SENTENCES.get(reason["code"])
    if sentence is None:
        return str(reason["code"])
    names = {name: (english() and reason.get(f"{name}_en")) or value for name, value in reason.items()}
    return str(sentence) % {name: _word(name, value) for name, value in names.items()}


def told(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """Reasons for a door: code and sentence."""
    return [{"code": reason["code"], "says": say(reason)} for reason in reasons]


LABELS: Mapping[str, type[TextChoices]] = {"verb": Verb, "role": Role, "kind": Kind}


def _word(name: str, value: Any) -> str:
    match name:
        case "verb" | "role" | "kind":
            return str(LABELS[name](value).label)
        case "source":
            return str(Source(value).label) if value else _("所有来源")
        case "area":
            return value or _("全市")
        case "areas" | "numbers":
            return _("、").join(value)
        case "left":
            minutes = -(-int(value) // 60)
            return _("%(hours)s 小时 %(minutes)s 分") % {"hours": minutes // 60, "minutes": minutes % 60}
        case "moment":
            return f"{localtime(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
        case "share":
            return f"{float(value):.0%}"
        case "limit":
            return limit(value["value"], value["unit"])
        case _:
            return str(value)


def limit(value: Any, unit: str) -> str:
    """A limit as people say it: 4 工作时."""
    count = float(value)
    return _counted(Unit(unit), 1 if count == 1 else 2) % {"n": f"{count:g}"}


def _counted(unit: Unit, number: int) -> str:
    match unit:
        case Unit.URGENT_MINUTE:
            return _("%(n)s 分钟")
        case Unit.URGENT_HOUR:
            return ngettext("%(n)s 紧急工作时", "%(n)s 紧急工作时", number)
        case Unit.URGENT_DAY:
            return ngettext("%(n)s 紧急工作日", "%(n)s 紧急工作日", number)
        case Unit.WORK_HOUR:
            return ngettext("%(n)s 工作时", "%(n)s 工作时", number)
        case Unit.WORK_DAY:
            return ngettext("%(n)s 工作日", "%(n)s 工作日", number)
