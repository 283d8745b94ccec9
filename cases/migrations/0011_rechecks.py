"""Blind re-checks: which share of the closed cases, and each that was drawn; who hears of them."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# The edition is renewed only where there is one: a database without rules shall go on saying so.
HEARINGS = """
ALTER TABLE cases_hearing DISABLE TRIGGER renew_edition;
INSERT INTO cases_hearing (verb, entered, who, urgent, channels) VALUES
    ('draw', '', 'drawn', false, '{push,mail}'),
    ('doubt', '', 'clerk', false, '{push,mail}'),
    ('doubt', '', 'shift_leader', false, '{push,mail}');
ALTER TABLE cases_hearing ENABLE TRIGGER renew_edition;
UPDATE cases_edition SET version = gen_random_uuid();
"""
NO_HEARINGS = "DELETE FROM cases_hearing WHERE verb IN ('draw', 'doubt')"
EDITION = """
CREATE TRIGGER renew_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cases_sampling
    FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0010_readable_rows'),
        ('grid', '0002_leave'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='caseevent',
            name='verb',
            field=models.CharField(choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限')], max_length=12),
        ),
        migrations.AlterField(
            model_name='flag',
            name='code',
            field=models.CharField(choices=[('photo_again', '照片曾用于其他案卷'), ('photo_same', '照片与本案先前的照片相同'), ('photo_far', '照片拍摄地过远'), ('photo_old', '照片拍摄过早'), ('photo_absent', '照片一直没有上传'), ('mock', '位置是模拟的')], max_length=12, verbose_name='疑点'),
        ),
        migrations.AlterField(
            model_name='ground',
            name='verb',
            field=models.CharField(choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限')], max_length=12, verbose_name='操作'),
        ),
        migrations.AlterField(
            model_name='hearing',
            name='verb',
            field=models.CharField(blank=True, choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限')], help_text='blank: any change of stage', max_length=12, verbose_name='操作'),
        ),
        migrations.AlterField(
            model_name='hearing',
            name='who',
            field=models.CharField(choices=[('owing', '应办人'), ('reporter', '上报人'), ('department', '责任单位'), ('head', '部门负责人'), ('asking', '申请人'), ('granting', '审批人'), ('woken', '升级阶梯知会人'), ('drawn', '抽中的复查人'), ('clerk', '受理员'), ('shift_leader', '值班长'), ('dispatcher', '派遣员'), ('leader', '督办领导'), ('auditor', '审计员')], max_length=12, verbose_name='知会对象'),
        ),
        migrations.CreateModel(
            name='Recheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.DecimalField(decimal_places=2, help_text='the limit when it was drawn', max_digits=6)),
                ('unit', models.CharField(choices=[('urgent_minute', '分钟'), ('urgent_hour', '紧急工作时'), ('urgent_day', '紧急工作日'), ('work_hour', '工作时'), ('work_day', '工作日')], max_length=16)),
                ('until', models.DateTimeField(help_text='nobody is sent later')),
                ('ordered_at', models.DateTimeField(help_text='when it fell on the inspector', null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('missed', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='who was drawn before and did not go in time', size=None)),
                ('done_at', models.DateTimeField(null=True)),
                ('late_s', models.PositiveIntegerField(default=0, help_text="how late it was done, in the limit's own clock")),
                ('verdict', models.CharField(blank=True, choices=[('holds', '复查属实'), ('fails', '复查不属实')], max_length=8, verbose_name='复查结论')),
                ('photos', models.JSONField(default=list, help_text='[sha256, purpose] pairs')),
                ('note', models.TextField(blank=True, verbose_name='说明')),
                ('key', models.UUIDField(help_text='chosen by the phone, so that a retry is no second answer', null=True, unique=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('upheld', models.BooleanField(help_text='whether the case was reopened for it', null=True)),
                ('decision', models.TextField(blank=True, verbose_name='答复')),
                ('decision_key', models.UUIDField(null=True, unique=True)),
                ('over_at', models.DateTimeField(null=True)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rechecks', to='cases.case')),
                ('closing', models.OneToOneField(help_text='the closing it looks at', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.caseevent')),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('inspector', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rechecks', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '复查',
                'indexes': [models.Index(condition=models.Q(('over_at', None)), fields=['inspector', 'due_at'], name='recheck_open'), models.Index(fields=['inspector', 'over_at'], name='recheck_over')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('done_at', None), ('key', None), ('verdict', '')), models.Q(models.Q(('verdict', ''), _negated=True), ('done_at__isnull', False), ('inspector__isnull', False)), _connector='OR'), name='recheck_answered_whole')],
            },
        ),
        migrations.CreateModel(
            name='Sampling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(blank=True, choices=[('inspector', '监督员上报'), ('hotline', '热线举报'), ('public', '公众上报'), ('directive', '领导批示'), ('sensor', '物联感知'), ('video', '视频发现')], help_text='blank: any', max_length=12, verbose_name='问题来源')),
                ('share', models.DecimalField(decimal_places=3, max_digits=4, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)], verbose_name='比例')),
                ('days', models.PositiveSmallIntegerField(help_text='after the closing; later nobody is sent any more', validators=[django.core.validators.MinValueValidator(1)], verbose_name='天')),
                ('value', models.DecimalField(decimal_places=2, help_text='of whoever is drawn', max_digits=6, verbose_name='时限')),
                ('unit', models.CharField(choices=[('urgent_minute', '分钟'), ('urgent_hour', '紧急工作时'), ('urgent_day', '紧急工作日'), ('work_hour', '工作时'), ('work_day', '工作日')], max_length=16, verbose_name='时限单位')),
                ('area', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='grid.area')),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.category')),
            ],
            options={
                'verbose_name': '复查抽样',
                'constraints': [models.UniqueConstraint(fields=('source', 'area', 'category'), name='sampling_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('days__gt', 0), ('share__gte', 0), ('share__lte', 1), ('value__gt', 0)), name='sampling_sane')],
            },
        ),
        migrations.RunSQL(HEARINGS, NO_HEARINGS),
        migrations.RunSQL(EDITION, "DROP TRIGGER renew_edition ON cases_sampling"),
    ]
