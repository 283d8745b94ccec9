"""Which language the terminal speaks, and the Chinese of what deploy/ and play/ say there.

gettext is of no use here: its catalogue is compiled on the way. The sentences stand in English where they are said;
a test holds that each has its Chinese below. Nothing here needs more than Python.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

NAMES = ("WANGGE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that says anything decides, as gettext has it


def language(environment: Mapping[str, str] = os.environ) -> str:
    """`zh-hans` where the terminal's locale is Chinese, else `en`: a bare machine's may not even show Chinese."""
    said = next((environment[name] for name in NAMES if environment.get(name)), "")
    return "zh-hans" if said.lower().startswith(("zh", "chinese")) else "en"


def told(sentence: str, **facts: object) -> str:
    """A sentence of ours in the terminal's language, its {holes} filled."""
    if language() != "en":
        sentence = CHINESE[sentence]
    return sentence.format(**facts) if facts else sentence


CHINESE: dict[str, str] = {
    # ./dev
    "./dev {name}: there is no such command. Near to it: {commands}": (
        "./dev {name}：没有这个命令。相近的有：{commands}"
    ),
    "./dev {name}: there is no such command. There are: {commands}": "./dev {name}：没有这个命令。可用的有：{commands}",
    "Nothing to play with: start ./dev up in another terminal first.": (
        "没有可以演示的系统：请先在另一个终端运行 ./dev up。"
    ),
    "Nothing to take pictures of: start ./dev up in another terminal, and let ./dev play end.": (
        "没有可以截图的系统：请先在另一个终端运行 ./dev up，并等 ./dev play 结束。"
    ),
    "Which bench? There are: {names}": "测哪一项？可选：{names}",
    "Delete everything in {folder}? Type yes:": "确定删除 {folder} 中的全部内容吗？请输入 yes：",
    "Nothing was deleted.": "什么也没有删除。",
    "stopping ./dev up": "正在停止 ./dev up",
    "{folder} is empty": "{folder} 已清空",
    "{folder} belongs to {owner}: run ./dev as that user.": "{folder} 属于用户 {owner}：请以该用户运行 ./dev。",
    "{file}: {reason}. ./dev writes into {folder}; DATA_DIR names another folder for that.": (
        "{file}：{reason}。./dev 须写入 {folder}；可用 DATA_DIR 另指一个文件夹。"
    ),
    "stopped": "已停止",
    "{wrong}: a number from {least} to {most} is needed.": "{wrong}：须为 {least} 到 {most} 之间的数。",
    "{command} ended with {code}. The whole log: {log}": "{command} 以 {code} 结束。完整日志：{log}",
    # ./dev up
    "./dev up runs here already, at {address}. Stop it with Ctrl-C there, or with: kill {process}": (
        "此处已有 ./dev up 在运行：{address}。请在那里按 Ctrl-C 停止，或执行：kill {process}"
    ),
    "{host}:{port} cannot be used ({reason}). Another: ./dev up --port {other}": (
        "{host}:{port} 不能使用（{reason}）。可换一个：./dev up --port {other}"
    ),
    "{host}:{port}, where open apps are to wait for messages, cannot be used ({reason}). Another: LIVE_PORT={other}"
    " ./dev up": "{host}:{port}（手机等候消息的端口）不能使用（{reason}）。可换一个：LIVE_PORT={other} ./dev up",
    "waiting until ./dev up is ready": "等待 ./dev up 就绪",
    "database": "数据库",
    "words": "界面译文",
    "tables": "数据表",
    "rights": "数据库权限",
    "schedules": "定时任务",
    "demo cities": "演示城市",
    "files for browsers": "网页文件",
    "web server, worker, waiting room": "网页服务、后台任务、消息等候",
    """
Wangge is ready: {address}
  the desk               {address}/
  the phones' interface  {address}/api/mobile/v1/docs
  health                 {address}/healthz
{logins}
Ctrl-C stops everything. ./dev play, in another terminal, lives a day in the city.
""": """
网格已就绪：{address}
  工作台    {address}/
  手机接口  {address}/api/mobile/v1/docs
  运行状况  {address}/healthz
{logins}
按 Ctrl-C 全部停止。在另一个终端运行 ./dev play，演示城市的一天。
""",
    "The server ended before it was ready: its last words are above.": "服务还没有就绪就结束了：原因见上文。",
    "{health} is not well after {seconds} s: {reason}": "{health} 过了 {seconds} 秒仍不正常：{reason}",
    "Web server or worker ended ({code}), so all was stopped: the last words are above.": (
        "网页服务或后台任务已结束（{code}），因此全部停止：原因见上文。"
    ),
    "the worker's {program} gave no sign of life for {seconds} s: a fresh start": (
        "后台任务 {program} 已有 {seconds} 秒没有动静：重新启动"
    ),
    "the worker's {program} ended with {code}: a fresh start": "后台任务 {program} 以 {code} 结束：重新启动",
    # The database
    "The database did not answer: {reason}": "数据库没有应答：{reason}",
    "The database {place} does not answer: {reason}": "数据库 {place} 没有应答：{reason}",
    "the database {place} does not answer ({reason}): waiting for it": "数据库 {place} 没有应答（{reason}）：等待中",
    "the database answers": "数据库已恢复应答",
    "the database's server has died: it is started again": "数据库服务已意外终止：正在重新启动",
    "The database's server died and does not start again.": "数据库服务意外终止，而且无法重新启动。",
    "The database in {folder} is in use: stop what uses it first.": (
        "{folder} 中的数据库正在使用：请先停止使用它的程序。"
    ),
    "The database in {folder} was made by PostgreSQL {version}, which is no longer installed."
    " Install postgresql-{version}-postgis-3 again, or carry the data over as docs/operations.md says.": (
        "{folder} 中的数据库由 PostgreSQL {version} 建立，而这个版本已不在系统中。"
        "请重新安装 postgresql-{version}-postgis-3，或按 docs/operations.md 迁移数据。"
    ),
    "No PostgreSQL from {oldest} on with PostGIS is installed: apt-get install postgresql-postgis": (
        "没有安装带 PostGIS 的 PostgreSQL {oldest} 或更新版本：apt-get install postgresql-postgis"
    ),
    "PostgreSQL refused: {reason}": "PostgreSQL 拒绝执行：{reason}",
    "initdb failed: {reason}": "initdb 失败：{reason}",
    "{folder} belongs to somebody else: remove it.": "{folder} 属于别的用户：请将其删除。",
    "pg_ctl {act} failed: {reason}\nThe whole log: {log}": "pg_ctl {act} 失败：{reason}\n完整日志：{log}",
    # ./dev play, history, pictures
    "phones log in": "手机登录",
    "city time": "城市时间",
    "{time} {reports} reports, {closed} closed": "{time} 上报 {reports}，结案 {closed}",
    "The day is over. Look at it at {url}/ with the logins that ./dev up told.": (
        "一天演示完毕。请在 {url}/ 查看，登录名见 ./dev up 的输出。"
    ),
    "A day in the city, in minutes.": "用几分钟演示城市的一天。",
    "where the city runs": "系统的网址",
    "the folder of the city below fixtures/cities": "fixtures/cities 下的城市文件夹",
    "the same seed plays the same day": "种子相同，演示的一天相同",
    "by inspectors; the hotline adds some": "监督员上报的件数；热线另有一些",
    "real minutes that the play takes": "演示实际用时（分钟）",
    "city hours that it covers at least": "至少覆盖的城市时间（小时）",
    "days of the past": "历史天数",
    "{cases} cases, {since} to {until}, planted in {seconds} s": (
        "{since} 至 {until} 共 {cases} 件案卷，用时 {seconds} 秒"
    ),
    "This is not a demonstration: no history is planted.": "这里不是演示环境，不生成历史案卷。",
    "There are cases from before {day} already ({number}). To begin anew: ./dev reset": (
        "已有 {day} 之前的案卷（{number}），不再生成历史。如需重来：./dev reset"
    ),
    "Nothing was planted.": "什么也没有生成。",
    "{url} does not answer: is ./dev up ready there?": "{url} 没有应答：那里的 ./dev up 就绪了吗？",
    # What play counts beside the verbs of the table
    "photo": "照片",
    "duty": "上下岗",
    "position": "位置",
    "recheck": "复查",
    "decide": "存疑裁定",
    "too late": "被他人抢先",
    "errors": "出错",
    "rung": "升级提醒",
}

HELP = """一台机器上的网格系统。

  ./dev up [--port 8000]  全部启动，在前台运行：数据库、演示城市、网页服务、后台任务
  ./dev play [选项]       通过正在运行的 ./dev up 的 HTTP 接口，演示城市的一天
  ./dev history [选项]    在演示自带的案卷之前，再生成数月的历史案卷
  ./dev pictures [名称 …] 为文档截图：须已运行 ./dev up，并做过 play
  ./dev test [选项]       运行测试，用独立的数据库；选项交给 pytest
  ./dev lint              ruff 和 mypy
  ./dev bench 名称        测量：bench/名称.py，用独立的、可靠落盘的数据库，内有演示城市
  ./dev manage 命令       manage.py 的命令，以数据表所有者的身份
  ./dev psql [选项]       数据库的命令行，以数据表所有者的身份
  ./dev run [程序]        任意程序，或一个 shell，带有所有者的 DATABASE_URL 和 up 的全部设置
  ./dev docs              写出由代码生成的文档
  ./dev lock [选项]       由 requirements.in 重新生成 requirements.txt；选项交给 uv
  ./dev reset [--yes]     全部停止；删除此文件夹的数据库、照片和密钥

缺少的软件先行安装。设置了 DATABASE_URL 时使用自己的数据库服务。见 docs/operations.md。
"""
