import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """A closed department may have an heir. The old code adds departments without one."""

    dependencies = [("grid", "0008_spending")]

    operations = [
        migrations.AddField(
            "department",
            "heir",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="forerunners",
                to="grid.department",
                help_text="takes over what it had",
            ),
        ),
        migrations.AddConstraint(
            "department",
            models.CheckConstraint(
                name="department_heir", condition=Q(heir=None) | Q(closed_on__isnull=False) & ~Q(heir=F("id"))
            ),
        ),
    ]
