"""The posts of the model (岗位). Nothing here touches the database."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    INSPECTOR = "inspector", _("监督员")
    CLERK = "clerk", _("受理员")
    SHIFT_LEADER = "shift_leader", _("值班长")
    DISPATCHER = "dispatcher", _("派遣员")
    HANDLER = "handler", _("处置员")
    HEAD = "head", _("部门负责人")
    LEADER = "leader", _("督办领导")
    AUDITOR = "auditor", _("审计员")
    ADMINISTRATOR = "administrator", _("系统管理员")


SUPERVISION = (Role.CLERK, Role.SHIFT_LEADER)  # 监督中心: collects, files, verifies, closes
COMMAND = (Role.DISPATCHER, Role.LEADER)  # 指挥中心: dispatches, coordinates, presses
DEPARTMENT = (Role.HANDLER, Role.HEAD)  # 专业部门: does the work
CENTRE = SUPERVISION + COMMAND + (Role.AUDITOR,)  # whose view is a territory, not a desk
