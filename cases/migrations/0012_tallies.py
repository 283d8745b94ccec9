"""Tallies by cell, department, officer, class and source, and their totals; the log learns its cell.

The counts before are dropped: they are recounted, with `manage.py recount`.
"""

from django.db import migrations, models
import django.db.models.deletion

COUNTS = (
    "reports", "valid", "tips", "missed", "duplicates", "self_handled", "accepted", "filed", "filed_in_time",
    "filed_rightly", "void", "verify_in_time", "verify_late", "verify_orders", "verify_orders_in_time",
    "dispatched", "dispatched_in_time", "dispatched_rightly", "finished", "on_time", "overdue", "exempt", "rework",
    "passed", "declines", "extensions", "shelved", "check_orders", "check_orders_in_time", "check_in_time",
    "check_late", "closed", "closed_on_time", "closing_in_time", "unclosed", "reopened", "appeals", "granted",
    "supervised", "hastened", "rung_1", "rung_2", "rung_3", "rung_4",
)

BASES = [("flow", "按发生日"), ("cohort", "按上报日")]
SOURCES = [
    ("inspector", "监督员上报"),
    ("hotline", "热线举报"),
    ("public", "公众上报"),
    ("directive", "领导批示"),
    ("sensor", "物联感知"),
    ("video", "视频发现"),
]
KINDS = [
    ("area", "区域"),
    ("cell", "单元网格"),
    ("department", "责任单位"),
    ("officer", "人员"),
    ("category", "问题类别"),
]

# The log refuses to be changed. This adds to each line what its case has said all along.
LEARN = """
ALTER TABLE cases_caseevent DISABLE TRIGGER case_log_is_kept;
UPDATE cases_caseevent e SET cell_id = c.cell_id FROM cases_case c WHERE c.id = e.case_id;
ALTER TABLE cases_caseevent ENABLE TRIGGER case_log_is_kept;
"""


def counts():
    return [(code, models.PositiveIntegerField(null=True)) for code in COUNTS]


def cell(**kwargs):
    return models.ForeignKey(
        "grid.cell", django.db.models.deletion.PROTECT, related_name="+", db_index=False, db_constraint=False, **kwargs
    )


class Migration(migrations.Migration):
    dependencies = [("cases", "0011_rechecks"), ("grid", "0002_leave")]

    operations = [
        migrations.AddField("caseevent", "cell", cell(null=True)),
        migrations.RunSQL(LEARN, migrations.RunSQL.noop),
        migrations.AlterField("caseevent", "cell", cell()),
        migrations.AddIndex("caseevent", models.Index(fields=["cell", "at"], name="event_in_cell")),
        migrations.AddIndex(
            "caseevent",
            models.Index(fields=["cell", "due_at"], name="event_late_in_cell", condition=models.Q(late=True)),
        ),
        migrations.AddIndex("case", models.Index(fields=["cell", "reported_at"], name="case_reported_in")),
        migrations.DeleteModel("Tally"),
        migrations.CreateModel(
            name="Tally",
            fields=[
                *counts(),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cell",
                        "day",
                        "basis",
                        "department",
                        "officer",
                        "category",
                        "source",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("cell", models.BigIntegerField()),
                ("day", models.DateField()),
                ("basis", models.CharField(choices=BASES, max_length=6)),
                ("department", models.BigIntegerField(default=0)),
                ("officer", models.BigIntegerField(default=0)),
                ("category", models.BigIntegerField()),
                ("source", models.CharField(choices=SOURCES, max_length=12)),
            ],
            options={
                "verbose_name": "统计",
                "indexes": [
                    models.Index(fields=["department", "basis", "day"], name="tally_department"),
                    models.Index(fields=["officer", "basis", "day"], name="tally_officer"),
                    models.Index(fields=["category", "basis", "day"], name="tally_category"),
                    models.Index(
                        fields=["cell", "day"], name="tally_unclosed", condition=models.Q(unclosed__gt=0)
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Total",
            fields=[
                *counts(),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind", "subject", "basis", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=KINDS, max_length=10)),
                (
                    "subject",
                    models.BigIntegerField(help_text="primary key of the area, cell, department …"),
                ),
                ("basis", models.CharField(choices=BASES, max_length=6)),
                ("day", models.DateField()),
            ],
            options={"verbose_name": "合计"},
        ),
    ]
