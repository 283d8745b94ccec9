"""Who hears of a case that was handed over, as shipped."""

from django.db import migrations

# The edition is renewed only where there is one: a database without rules shall go on saying so.
ADD = """
ALTER TABLE cases_hearing DISABLE TRIGGER renew_edition;
INSERT INTO cases_hearing (verb, entered, who, urgent, channels)
    VALUES ('hand_over', '', 'owing', false, '{push,mail}'), ('hand_over', '', 'head', false, '{}')
    ON CONFLICT DO NOTHING;
ALTER TABLE cases_hearing ENABLE TRIGGER renew_edition;
UPDATE cases_edition SET version = gen_random_uuid();
"""

REMOVE = "DELETE FROM cases_hearing WHERE verb = 'hand_over'"


class Migration(migrations.Migration):

    dependencies = [("cases", "0037_hand_over"), ("grid", "0009_heirs")]

    operations = [migrations.RunSQL(ADD, REMOVE)]
