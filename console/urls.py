"""The pages of the desk."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import set_language

from .views import home

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("language/", set_language, name="language"),
]
