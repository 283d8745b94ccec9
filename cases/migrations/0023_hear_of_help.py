"""Who hears of assistance, of a closing that may begin, and of a missing reply, as shipped."""

from django.db import migrations

# The edition is renewed only where there is one: a database without rules shall go on saying so.
ADD = """
ALTER TABLE cases_hearing DISABLE TRIGGER renew_edition;
INSERT INTO cases_hearing (verb, entered, who, urgent, channels) VALUES
    ('assist', '', 'department', false, '{push,mail}'),
    ('resume', 'closing', 'owing', false, '{push,mail}'),
    ('remind', '', 'owing', false, '{push,mail}'),
    ('remind', '', 'leader', false, '{push,mail}')
    ON CONFLICT DO NOTHING;
ALTER TABLE cases_hearing ENABLE TRIGGER renew_edition;
UPDATE cases_edition SET version = gen_random_uuid();
"""

REMOVE = "DELETE FROM cases_hearing WHERE verb IN ('assist', 'remind') OR (verb, entered) = ('resume', 'closing')"


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0022_cowork'),
    ]

    operations = [
        migrations.RunSQL(ADD, REMOVE),
    ]
