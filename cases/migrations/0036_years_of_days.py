from django.db import migrations

# Until now a year was known by its National Day: its days are of its notice, those of a year without one are of the
# notice beside it. Where there is no day nothing is said: a statement alone is an edition of the rules.
FILL = """
DO $$ BEGIN
IF EXISTS (SELECT FROM cases_holiday) THEN
    WITH known AS (
        SELECT extract(year FROM day)::int AS year FROM cases_holiday
        WHERE statutory AND extract(month FROM day) = 10 AND extract(day FROM day) = 1
    )
    UPDATE cases_holiday AS holiday
    SET year = (
        SELECT known.year FROM known
        WHERE abs(known.year - extract(year FROM holiday.day)) <= 1
        ORDER BY abs(known.year - extract(year FROM holiday.day)), known.year DESC
        LIMIT 1
    )
    WHERE statutory;
END IF;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0035_years_of_notices")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]  # the column goes with the migration before
