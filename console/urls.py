"""The pages of the desk."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import set_language

from .views import beats, board, case, duties, exports, home, lists, map, photos, settings, tiles, year

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("board/", board.page, name="board"),
    path("map/", map.page, name="map"),
    path("map/place/", map.place, name="map_place"),
    path("map/find/", map.find, name="map_find"),
    path("map/table/", map.table, name="map_table"),
    path("map/duty/", map.on_duty, name="map_duty"),
    path("map/tiles/<slug:layer>/<int:z>/<int:x>/<int:y>", tiles.tile, name="tile"),
    path("language/", set_language, name="language"),
    path("queue/", lists.first, name="queues"),
    path("queue/counts/", lists.counts, name="counts"),
    path("queue/<slug:name>/", lists.queue, name="queue"),
    path("queue/<slug:name>/bulk/", lists.bulk, name="bulk"),
    path("cases/", lists.every, name="cases"),
    path("case/<str:number>/", case.show, name="case"),
    path("case/<str:number>/<slug:verb>/", case.move, name="move"),
    path("photo/<str:sha256>/<str:size>/", photos.show, name="photo"),
    path("exports/", exports.mine, name="exports"),
    path("exports/<uuid:uuid>/file/", exports.fetch, name="export_file"),
    path("exports/<uuid:uuid>/stop/", exports.stop, name="export_stop"),
    path("exports/<slug:sheet>/", exports.ask, name="export_ask"),
    path("settings/", settings.index, name="settings"),
    path("settings/changes/", settings.log, name="changes"),
    path("settings/year/", year.year, name="year"),
    path("settings/year/<int:year>/", year.year, name="year_of"),
    path("settings/year/day/", year.day, name="year_day"),
    path("settings/duties/trial/", duties.dry, name="duty_trial"),
    path("settings/beats/streets/", beats.streets, name="beat_streets"),
    path("settings/beats/cells/", beats.cells, name="beat_cells"),
    path("settings/officers/<int:pk>/password/", settings.password, name="officer_password"),
    path("settings/<slug:slug>/", settings.rows, name="setting"),
    path("settings/<slug:slug>/new/", settings.edit, name="setting_new"),
    path("settings/<slug:slug>/<int:pk>/", settings.edit, name="setting_row"),
    path("settings/<slug:slug>/<int:pk>/remove/", settings.remove, name="setting_remove"),
]
