"""Who hears what a caller said, as shipped."""

from django.db import migrations

# The edition is renewed only where there is one: a database without rules shall go on saying so.
ADD = """
ALTER TABLE cases_hearing DISABLE TRIGGER renew_edition;
INSERT INTO cases_hearing (verb, entered, who, urgent, channels) VALUES ('call_back', '', 'department', false, '{}')
    ON CONFLICT DO NOTHING;
ALTER TABLE cases_hearing ENABLE TRIGGER renew_edition;
UPDATE cases_edition SET version = gen_random_uuid();
"""

REMOVE = "DELETE FROM cases_hearing WHERE verb = 'call_back'"


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0026_callers'),
    ]

    operations = [
        migrations.RunSQL(ADD, REMOVE),
    ]
