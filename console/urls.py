"""The pages of the desk."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import set_language

from .views import case, home, lists, photos

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("language/", set_language, name="language"),
    path("queue/", lists.first, name="queues"),
    path("queue/counts/", lists.counts, name="counts"),
    path("queue/<slug:name>/", lists.queue, name="queue"),
    path("queue/<slug:name>/bulk/", lists.bulk, name="bulk"),
    path("cases/", lists.every, name="cases"),
    path("case/<str:number>/", case.show, name="case"),
    path("case/<str:number>/<slug:verb>/", case.move, name="move"),
    path("photo/<str:sha256>/<str:size>/", photos.show, name="photo"),
]
