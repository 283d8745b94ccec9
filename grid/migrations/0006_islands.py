import django.contrib.gis.db.models.fields
from django.db import migrations

ADD = """ALTER TABLE grid_cell ADD CONSTRAINT cell_shape_of_ground
    CHECK (GeometryType(shape) IN ('POLYGON', 'MULTIPOLYGON'))"""
DROP = "ALTER TABLE grid_cell DROP CONSTRAINT cell_shape_of_ground"


class Migration(migrations.Migration):
    """A cell of several islands. The other way only while there is none."""

    dependencies = [("grid", "0005_road")]

    operations = [
        migrations.AlterField(
            "cell",
            "shape",
            django.contrib.gis.db.models.fields.GeometryField(srid=4326, help_text="one polygon, or several: islands"),
        ),
        migrations.RunSQL(ADD, DROP),
    ]
