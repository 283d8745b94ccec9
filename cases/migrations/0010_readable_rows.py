"""Hours that make no calendar are refused from now on; rows that stand are left to `manage.py check`."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0009_urgent_limits'),
        ('grid', '0002_leave'),
    ]

    operations = [
        AddConstraintNotValid(
            model_name='timetable',
            constraint=models.CheckConstraint(condition=models.Q(('day_s__gt', 0)), name='timetable_day'),
        ),
        AddConstraintNotValid(
            model_name='timetable',
            constraint=models.CheckConstraint(condition=models.Q(('workdays__contained_by', [1, 2, 3, 4, 5, 6, 7])), name='timetable_week'),
        ),
    ]
