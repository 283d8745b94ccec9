"""Sentences that people write again and again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0014_odd_moments'),
    ]

    operations = [
        migrations.CreateModel(
            name='Opinion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(blank=True, choices=[('report', '上报'), ('file', '立案'), ('order_verify', '派核实'), ('verify', '核实'), ('self_handle', '自处置'), ('void', '作废'), ('dispatch', '派遣'), ('accept', '签收'), ('ask', '申请'), ('refuse', '驳回'), ('decline', '回退'), ('extend', '延期'), ('shelve', '挂账'), ('resume', '恢复'), ('finish', '处置'), ('order_check', '派核查'), ('pass', '核查通过'), ('rework', '返工'), ('close', '结案'), ('link', '并案'), ('unlink', '撤销并案'), ('reopen', '重启'), ('supervise', '督办'), ('reply', '回复'), ('escalate', '升级'), ('hasten', '催办'), ('exempt', '免责'), ('answer', '核验'), ('draw', '抽中复查'), ('doubt', '复查存疑'), ('recheck', '复查'), ('retime', '重算时限')], help_text='blank: any', max_length=12, verbose_name='操作')),
                ('text', models.CharField(max_length=200, verbose_name='意见')),
                ('place', models.PositiveSmallIntegerField(default=0, help_text='the smallest stands first', verbose_name='次序')),
            ],
            options={
                'verbose_name': '常用意见',
                'ordering': ['place', 'id'],
                'constraints': [models.UniqueConstraint(fields=('verb', 'text'), name='opinion_once')],
            },
        ),
    ]
