"""What people changed of the settings; only ever added to."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEPT = """
CREATE FUNCTION change_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a change of the settings is never altered or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER change_is_kept BEFORE UPDATE OR DELETE ON grid_change FOR EACH ROW EXECUTE FUNCTION change_is_kept();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('grid', '0003_duty'),
    ]

    operations = [
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('what', models.CharField(help_text="the model's label: cases.duty", max_length=60)),
                ('row', models.CharField(help_text='its primary key', max_length=40)),
                ('name', models.CharField(help_text='what it was called then', max_length=200)),
                ('before', models.JSONField(help_text='the fields that changed; null: it was not there', null=True)),
                ('after', models.JSONField(help_text='the same fields; null: it is no more', null=True)),
                ('by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '变更记录',
                'indexes': [models.Index(fields=['what', 'row', '-id'], name='change_of')],
            },
        ),
        migrations.RunSQL(KEPT, "DROP FUNCTION change_is_kept() CASCADE"),
    ]
