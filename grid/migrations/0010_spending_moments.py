from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('grid', '0009_heirs'),
    ]

    operations = [
        migrations.AlterField(
            model_name='spending',
            name='lately',
            field=models.BigIntegerField(help_text='in that stretch'),
        ),
        migrations.AlterField(
            model_name='spending',
            name='since',
            field=models.DateTimeField(help_text='when its present stretch began'),
        ),
        migrations.AlterField(
            model_name='spending',
            name='today',
            field=models.BigIntegerField(help_text='on that day'),
        ),
    ]
