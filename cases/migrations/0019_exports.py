"""Files that the worker writes for people."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0018_recalls'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('sheet', models.CharField(help_text='which of exports.SHEETS', max_length=20)),
                ('form', models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX'), ('pdf', 'PDF')], max_length=4)),
                ('terms', models.JSONField(default=dict, help_text='what narrows it, as its sheet takes it')),
                ('language', models.CharField(max_length=10)),
                ('status', models.CharField(choices=[('waiting', '排队中'), ('working', '生成中'), ('done', '已完成'), ('failed', '失败'), ('stopped', '已取消'), ('gone', '已过期')], default='waiting', max_length=8)),
                ('rows', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0, help_text='rows, as counted when it was asked for')),
                ('cursor', models.TextField(blank=True, help_text='where the next rows begin')),
                ('size', models.BigIntegerField(default=0, help_text='bytes that are written for good')),
                ('made_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('officer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': '导出',
                'indexes': [models.Index(fields=['officer', '-id'], name='export_of')],
            },
        ),
    ]
