"""The bolts of the doors."""

from django.urls import include, path

from mobile_api.api import api

from .health import healthz

urlpatterns = [
    path("api/mobile/v1/", api.urls),
    path("api/auth/", include("mobile_api.signin")),
    path("healthz", healthz, name="healthz"),
    path("account/", include("console.signin")),
    path("", include("console.urls")),
]

handler400 = "console.views.errors.unreadable"
handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.missing"
handler500 = "console.views.errors.broken"
