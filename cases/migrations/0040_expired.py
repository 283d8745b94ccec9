"""Open cases whose due moment passed, or will, with nothing to say so: their alarm rings then. Who owes them hears."""

from django.db import migrations

MARK = """
UPDATE cases_case c SET expired = true
WHERE stage NOT IN ('closed', 'void', 'shelved') AND clock <> '' AND EXISTS (
    SELECT FROM cases_caseevent e
    WHERE e.case_id = c.id AND e.since = c.entered_at AND e."left" = c.stage AND e.late
);
UPDATE cases_case SET alarm_at = least(alarm_at, due_at + interval '1 second')
WHERE stage NOT IN ('closed', 'void', 'shelved') AND clock <> '' AND due_at IS NOT NULL AND NOT expired;
"""

# The edition is renewed only where there is one: a database without rules shall go on saying so.
HEAR = """
ALTER TABLE cases_hearing DISABLE TRIGGER renew_edition;
INSERT INTO cases_hearing (verb, entered, who, urgent, channels) VALUES ('expire', '', 'owing', false, '{push,mail}')
    ON CONFLICT DO NOTHING;
ALTER TABLE cases_hearing ENABLE TRIGGER renew_edition;
UPDATE cases_edition SET version = gen_random_uuid();
"""

REMOVE = "DELETE FROM cases_hearing WHERE verb = 'expire'"


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0039_expiry'),
    ]

    operations = [
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
        migrations.RunSQL(HEAR, REMOVE),
    ]
