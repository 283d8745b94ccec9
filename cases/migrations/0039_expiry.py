"""That a due moment has passed is a line of its own; a case knows whether one says so of its stint."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0038_hear_of_hand_over'),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='expired',
            field=models.BooleanField(db_default=False, default=False, help_text='a line says that this stint is late'),
        ),
        migrations.AlterField(
            model_name='caseevent',
            name='verb',
            field=models.CharField(choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('recall', '收回任务'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('contact', '联系'), ('call_back', '回访'), ('assist', '协办'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('remind', '催复'), ('expire', '超期'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限'), ('hand_over', '移交')], max_length=12),
        ),
        migrations.AlterField(
            model_name='ground',
            name='verb',
            field=models.CharField(choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('recall', '收回任务'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('contact', '联系'), ('call_back', '回访'), ('assist', '协办'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('remind', '催复'), ('expire', '超期'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限'), ('hand_over', '移交')], max_length=12, verbose_name='操作'),
        ),
        migrations.AlterField(
            model_name='hearing',
            name='verb',
            field=models.CharField(blank=True, choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('recall', '收回任务'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('contact', '联系'), ('call_back', '回访'), ('assist', '协办'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('remind', '催复'), ('expire', '超期'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限'), ('hand_over', '移交')], help_text='blank: any change of stage', max_length=12, verbose_name='操作'),
        ),
        migrations.AlterField(
            model_name='opinion',
            name='verb',
            field=models.CharField(blank=True, choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('recall', '收回任务'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('contact', '联系'), ('call_back', '回访'), ('assist', '协办'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('remind', '催复'), ('expire', '超期'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限'), ('hand_over', '移交')], help_text='blank: any', max_length=12, verbose_name='操作'),
        ),
    ]
