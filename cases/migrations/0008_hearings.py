"""Who hears of what becomes rows: those that the code knew before, so that nothing falls silent."""

import django.contrib.postgres.fields
from django.db import migrations, models

ROWS = (
    ("", "owing", False, ["push", "mail"]),
    ("dispatch", "owing", True, ["push", "mail", "sms"]),
    ("ask", "granting", False, ["push", "mail"]),
    ("refuse", "asking", False, ["push", "mail"]),
    ("refuse", "department", False, ["push", "mail"]),
    ("extend", "department", False, ["push", "mail"]),
    ("shelve", "department", False, ["push", "mail"]),
    ("decline", "department", False, ["push", "mail"]),
    ("exempt", "department", False, ["push", "mail"]),
    ("void", "reporter", False, ["push", "mail"]),
    ("void", "department", False, ["push", "mail"]),
    ("link", "reporter", False, ["push", "mail"]),
    ("link", "department", False, ["push", "mail"]),
    ("close", "reporter", False, ["push", "mail"]),
    ("supervise", "owing", False, ["push", "mail"]),
    ("hasten", "owing", False, ["push", "mail"]),
    ("reply", "leader", False, ["push", "mail"]),
    ("escalate", "woken", False, ["push", "mail"]),
    ("escalate", "woken", True, ["push", "mail", "sms"]),
)

# The edition is renewed only where there is one: a database without rules shall go on saying so.
EDITION = """
UPDATE cases_edition SET version = gen_random_uuid();
CREATE TRIGGER renew_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cases_hearing
    FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
"""


def fill(apps, schema_editor):
    hearing = apps.get_model("cases", "Hearing")
    hearing.objects.bulk_create(
        hearing(verb=verb, who=who, urgent=urgent, channels=channels) for verb, who, urgent, channels in ROWS
    )


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0007_duplicates'),
    ]

    operations = [
        migrations.CreateModel(
            name='Hearing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(blank=True, choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('retime', '重算时限')], help_text='blank: any change of stage', max_length=12, verbose_name='操作')),
                ('entered', models.CharField(blank=True, choices=[('filing', '待立案'), ('verify', '待核实'), ('dispatch', '待派遣'), ('handling', '待处置'), ('shelved', '挂账中'), ('linked', '已并案'), ('feedback', '待派核查'), ('check', '待核查'), ('closing', '待结案'), ('closed', '已结案'), ('void', '已作废')], help_text='blank: any', max_length=12, verbose_name='环节')),
                ('who', models.CharField(choices=[('owing', '应办人'), ('reporter', '上报人'), ('department', '责任单位'), ('head', '部门负责人'), ('asking', '申请人'), ('granting', '审批人'), ('woken', '升级阶梯知会人'), ('clerk', '受理员'), ('shift_leader', '值班长'), ('dispatcher', '派遣员'), ('leader', '督办领导'), ('auditor', '审计员')], max_length=12, verbose_name='知会对象')),
                ('urgent', models.BooleanField(default=False, help_text='of emergencies alone', verbose_name='紧急')),
                ('channels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('push', '推送'), ('mail', '邮件'), ('sms', '短信')], max_length=4), blank=True, default=list, size=None, verbose_name='渠道')),
            ],
            options={
                'verbose_name': '知会规则',
                'constraints': [models.UniqueConstraint(fields=('verb', 'entered', 'who', 'urgent'), name='hearing_once')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),  # the table goes with its rows
        migrations.RunSQL(EDITION, "DROP TRIGGER renew_edition ON cases_hearing"),
    ]
