"""What the database itself guards: the log is only ever added to, and a changed rule renews the rulebook's edition."""

from django.db import migrations

NUMBERS = "CREATE SEQUENCE case_number"

LOG = """
CREATE FUNCTION case_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a line of the case log is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER case_log_is_kept BEFORE UPDATE OR DELETE ON cases_caseevent
    FOR EACH ROW EXECUTE FUNCTION case_log_is_kept();
"""

EDITION = """
CREATE FUNCTION renew_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cases_edition (id, version) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
"""

RULES = (
    "cases_category",
    "cases_condition",
    "cases_duty",
    "cases_policy",
    "cases_stagelimit",
    "cases_rung",
    "cases_timetable",
    "cases_holiday",
    "grid_area",
    "grid_department",
)

RENEW = "\n".join(
    f"CREATE TRIGGER renew_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION renew_edition();"
    for table in RULES
)


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_cases"), ("grid", "0001_city")]

    operations = [
        migrations.RunSQL(NUMBERS, "DROP SEQUENCE case_number"),
        migrations.RunSQL(LOG, "DROP FUNCTION case_log_is_kept() CASCADE"),
        migrations.RunSQL(EDITION + RENEW, "DROP FUNCTION renew_edition() CASCADE"),
    ]
