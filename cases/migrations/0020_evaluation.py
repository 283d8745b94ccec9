"""Indicators, schemes, and what is published by them: frozen, as the log is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


FROZEN = """
CREATE FUNCTION published_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is published is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER published_is_kept BEFORE UPDATE OR DELETE ON cases_publication
    FOR EACH ROW EXECUTE FUNCTION published_is_kept();
CREATE TRIGGER published_is_kept BEFORE UPDATE OR DELETE ON cases_result
    FOR EACH ROW EXECUTE FUNCTION published_is_kept();
CREATE TRIGGER published_is_kept BEFORE UPDATE ON cases_scheme
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION published_is_kept();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0019_exports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Indicator',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, unique=True, verbose_name='代码')),
                ('name', models.CharField(max_length=60, verbose_name='名称')),
                ('name_en', models.CharField(max_length=100)),
                ('numerator', models.CharField(help_text='metrics, as: a + b - c', max_length=200, verbose_name='分子')),
                ('denominator', models.CharField(blank=True, max_length=200, verbose_name='分母')),
                ('better', models.CharField(choices=[('higher', '越高越好'), ('lower', '越低越好')], max_length=6, verbose_name='方向')),
                ('counted_by', models.CharField(max_length=200, verbose_name='计数时间')),
                ('counted_by_en', models.CharField(max_length=200)),
                ('exclusions', models.CharField(blank=True, max_length=200, verbose_name='不计入')),
                ('exclusions_en', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'verbose_name': '指标',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Scheme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, verbose_name='代码')),
                ('version', models.PositiveSmallIntegerField(verbose_name='版本')),
                ('name', models.CharField(max_length=60, verbose_name='名称')),
                ('name_en', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('cell', '单元网格'), ('community', '社区'), ('street', '街道'), ('district', '区'), ('beat', '责任网格'), ('department', '责任单位'), ('inspector', '监督员'), ('clerk', '受理员'), ('shift_leader', '值班长'), ('dispatcher', '派遣员')], max_length=12, verbose_name='评价对象')),
                ('basis', models.CharField(choices=[('flow', '按发生日'), ('cohort', '按上报日')], max_length=6, verbose_name='统计口径')),
                ('valid_from', models.DateField(verbose_name='生效日期')),
                ('said', models.JSONField(help_text='{"items": [{"indicator", "weight", "bands"}], "grades": [[letter, low, colour]]}')),
            ],
            options={
                'verbose_name': '评分方案',
                'ordering': ['code', '-version'],
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='scheme_version')],
            },
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text="the scheme's", max_length=40)),
                ('span', models.CharField(choices=[('day', '日'), ('week', '周'), ('month', '月'), ('quarter', '季'), ('half', '半年'), ('year', '年')], max_length=8, verbose_name='周期')),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('revision', models.PositiveSmallIntegerField(help_text='0 is the first', verbose_name='修订号')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='修订理由')),
                ('said', models.JSONField(help_text="the scheme's document and its indicators, as they were")),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('scheme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='cases.scheme')),
            ],
            options={
                'verbose_name': '发布',
                'ordering': ['-since', 'code', '-revision'],
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('said', models.JSONField(help_text='what is to be different')),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('at', models.DateTimeField()),
                ('done', models.PositiveIntegerField(default=0, help_text='cases reckoned so far')),
                ('whole', models.PositiveIntegerField(default=0, help_text='of so many')),
                ('finished_at', models.DateTimeField(null=True)),
                ('failed', models.CharField(blank=True, max_length=200)),
                ('found', models.JSONField(help_text='subject → counts', null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('scheme', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.scheme')),
            ],
            options={
                'verbose_name': '试算',
            },
        ),
        migrations.CreateModel(
            name='Result',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.BigIntegerField()),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=100)),
                ('name_en', models.CharField(blank=True, max_length=100)),
                ('figures', models.JSONField()),
                ('lines', models.JSONField()),
                ('points', models.CharField(blank=True, help_text='exact, as a fraction; blank: nothing to rate', max_length=120)),
                ('grade', models.CharField(blank=True, max_length=4)),
                ('rank', models.PositiveIntegerField(null=True)),
                ('publication', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='cases.publication')),
            ],
            options={
                'verbose_name': '发布结果',
                'constraints': [models.UniqueConstraint(fields=('publication', 'subject'), name='result_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.UniqueConstraint(fields=('code', 'span', 'since', 'revision'), name='publication_once'),
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.CheckConstraint(condition=models.Q(('revision', 0), models.Q(('reason', ''), _negated=True), _connector='OR'), name='publication_revised_why'),
        ),
        migrations.RunSQL(FROZEN, "DROP FUNCTION published_is_kept() CASCADE"),
    ]
