"""Counts of contacts, call-backs and re-checks."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0027_hear_of_calls'),
    ]

    operations = [
        migrations.AddField(
            model_name='tally',
            name='called_back',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='contacted',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='contacts_due',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='recheck_failed',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='rechecked',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='satisfied',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='solved',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tally',
            name='to_call',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='called_back',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='contacted',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='contacts_due',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='recheck_failed',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='rechecked',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='satisfied',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='solved',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='total',
            name='to_call',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
