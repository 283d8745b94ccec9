"""All settings, each from the environment with a default that is safe. Every name stands in docs/settings.md."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import dj_database_url
import phonenumbers
from django.core.exceptions import ImproperlyConfigured

from .environment import allowance, number, port, text, translated, whole, words, yes

BASE_DIR = Path(__file__).resolve().parent.parent


# The house
DEBUG = yes("DEBUG")
DEMO = yes("DEMO")  # demo logins and the faster clock of ./dev play
DEMO_CASES = whole("DEMO_CASES", 6000, least=0, most=6000)  # past cases that an empty demo begins with
DATA_DIR = Path(text("DATA_DIR", str(BASE_DIR / ".data")))
SECRET_KEY = text("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is missing: set it, or SECRET_KEY_FILE to a file that holds it")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "grid.Officer"

SILENCED_SYSTEM_CHECKS = ["gis.W001"]  # Debian ships GDAL 3.6 and 3.10; only files of the operator are read with it

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "backend.static_files.ShippedFiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "console",  # before allauth, whose pages it dresses
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_q",
    "ninja",
    "grid",
    "cases",
    "mobile_api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "mobile_api.headers.Headers",
    "mobile_api.answers.Answers",
    "backend.bodies.Bodies",
    "backend.accounts.Later",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "console.middleware.Desk",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.nav.desk",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# The database. Connections persist: to connect costs 18 ms of the server's CPU.
DATABASES = {
    "default": dj_database_url.parse(
        text("DATABASE_URL", "postgis://wangge@localhost/wangge"),
        engine="django.contrib.gis.db.backends.postgis",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # by default 300: a flood of made-up names would push the login locks out
    },
    "tiles": {  # of each process, and apart: whoever pans over the map must not push a login lock out
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "tiles",
        "OPTIONS": {"MAX_ENTRIES": 1_000},
    },
}

# Time and tongue
TIME_ZONE = text("TIME_ZONE", "Asia/Shanghai")
USE_TZ = True
PHONE_REGION = text("PHONE_REGION", "CN").upper()  # whose numbers are found in texts without a country's code
if PHONE_REGION not in phonenumbers.SUPPORTED_REGIONS:
    raise ImproperlyConfigured(f"PHONE_REGION={PHONE_REGION!r}: two letters of ISO 3166 that have telephones, as CN")
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]

# Files
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "media"
DISK_FREE_PERCENT = number("DISK_FREE_PERCENT", 5, most=50)  # from which on /healthz is late
OPENED_AT = number("OPENED_AT", 0, most=1e12)  # by the monotonic clock; `./dev up` says it
if text("S3_BUCKET"):
    _photos = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": text("S3_BUCKET"),
            "endpoint_url": text("S3_ENDPOINT") or None,
            "querystring_auth": True,
        },
    }
else:
    _photos = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": MEDIA_ROOT}}
STORAGES = {
    "default": _photos,
    "staticfiles": {"BACKEND": "backend.static_files.NamedByContent"},
}
PHOTO_BYTES = whole("PHOTO_BYTES", 20_000_000, least=1, most=200_000_000)
PHOTO_PIXELS = whole("PHOTO_PIXELS", 64_000_000, least=1, most=400_000_000)
PHOTO_HANDS = whole("PHOTO_HANDS", 2, least=1, most=32)  # decoded at a time by one process: fewer than WEB_THREADS
PHOTO_WAIT_S = number("PHOTO_WAIT_S", 2, most=60)  # for a hand to be free; the wait itself holds a thread
JSON_BYTES = whole("JSON_BYTES", 262_144, least=65_536, most=67_108_864)  # of a body without files
FORM_BYTES = whole("FORM_BYTES", 64_000_000, least=1, most=1_000_000_000)  # a form of the desk with all its files
ANSWER_SECONDS = whole("ANSWER_SECONDS", 60, least=1, most=3600)  # a client that takes nothing for so long is gone
BODY_SECONDS = whole("BODY_SECONDS", 30, least=1, most=3600)  # for a body to come, beside what its size allows
SPOOL_BYTES = whole("SPOOL_BYTES", 1_000_000_000, least=1, most=1_000_000_000_000)  # of coming bodies, by process
DATA_UPLOAD_MAX_MEMORY_SIZE = JSON_BYTES  # of a form without its files
DATA_UPLOAD_MAX_NUMBER_FIELDS, DATA_UPLOAD_MAX_NUMBER_FILES = 1_000, 20
PREVIEW_SIZES = (320, 1280)

# Who comes in: django-allauth headless, for apps (X-Session-Token)
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "backend.accounts.MinimumLength",
        "OPTIONS": {"min_length": whole("PASSWORD_LENGTH", 10, least=8, most=64)},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "backend.accounts.Adapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_DISPLAY = str  # the name of the person, not of the account
LOGIN_FAILURES = whole("LOGIN_FAILURES", 5, least=1, most=100)
LOGIN_LOCK_MINUTES = whole("LOGIN_LOCK_MINUTES", 15, least=1, most=1440)
ADDRESS_FAILURES = whole("ADDRESS_FAILURES", 60, least=1, most=10_000)  # wrong passwords that close an address
ACCOUNT_RATE_LIMITS = {  # an address is as a rule a whole office; accounts are guarded by grid.lock
    "login": f"{whole('LOGINS_A_MINUTE', 120, least=1, most=100_000)}/m/ip",
    "login_failed": "",  # by grid.lock: whoever has signed in there before is not shut out with the others
    "change_password": f"{2 * LOGIN_FAILURES}/{LOGIN_LOCK_MINUTES}m/user",
}
ALLAUTH_TRUSTED_PROXY_COUNT = whole("TRUSTED_PROXIES", 0, most=10)  # how many of our own stand in X-Forwarded-For
LOGIN_URL, LOGIN_REDIRECT_URL, ACCOUNT_LOGOUT_REDIRECT_URL = "account_login", "/", "account_login"
SECOND_FACTOR_ROLES = words("SECOND_FACTOR_ROLES", "" if DEMO else "administrator")
MFA_ADAPTER = "backend.accounts.SecondFactor"
MFA_FORMS = {
    "authenticate": "grid.codes.Code",
    "reauthenticate": "grid.codes.CodeAgain",
    "activate_totp": "grid.codes.FirstCode",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = text("CITY_NAME", "网格")
MFA_TOTP_TOLERANCE = 1  # a code is good for its half minute and the one beside it
# The city's own sign-on (OpenID Connect): without an address it is off
OIDC_URL = text("OIDC_URL")
OIDC_CLAIM = text("OIDC_CLAIM", "preferred_username")
_sign_on = {
    "provider_id": "city",
    "name": text("OIDC_NAME", "统一身份认证"),
    "client_id": text("OIDC_CLIENT"),
    "secret": text("OIDC_SECRET"),
    "settings": {"server_url": OIDC_URL, "oauth_pkce_enabled": True},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [_sign_on] if OIDC_URL else []}}
SOCIALACCOUNT_ADAPTER = "backend.accounts.SingleSignOn"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a link, for a form may not lead to another host
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
HEADLESS_CLIENTS = ("app",)
HEADLESS_SERVE_SPECIFICATION = False
HEADLESS_TOKEN_STRATEGY = "mobile_api.auth.Tokens"  # noqa: S105  a class, not a secret
USERSESSIONS_ADAPTER = "backend.accounts.Sessions"
SESSION_COOKIE_AGE = whole("SESSION_DAYS", 30, least=1, most=400) * 86_400
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not (DEBUG or DEMO)
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if yes("BEHIND_TLS_PROXY") else None
SECURE_HSTS_SECONDS = whole("HSTS_SECONDS", 0, most=63_072_000)

# What one account may write: so many in ten minutes, so many a day. Generous to a phone that was without a network
LIMITS = {
    "reports": allowance("LIMIT_REPORTS", "300/1000"),
    "moves": allowance("LIMIT_MOVES", "1500/6000"),
    "photo_kb": tuple(1000 * megabytes for megabytes in allowance("LIMIT_PHOTO_MB", "2000/5000")),
    "track": allowance("LIMIT_TRACK", "20000/40000"),
    "exports": allowance("LIMIT_EXPORTS", "20/100"),
    "writes": allowance("LIMIT_WRITES", "600/6000"),
}

# What the city decides
AREA_WIDTHS = [int(wide) for wide in words("AREA_WIDTHS", "6,9,12") if wide.isdigit()]  # see grid/levels.py
if not (1 <= len(AREA_WIDTHS) <= 4 and AREA_WIDTHS[0] > 0 and AREA_WIDTHS[-1] <= 16):
    raise ImproperlyConfigured("AREA_WIDTHS: one to four widths of codes from the top, at most 16, as in 6,9,12")
if sorted(set(AREA_WIDTHS)) != AREA_WIDTHS:
    raise ImproperlyConfigured("AREA_WIDTHS: each level's codes are longer than those above")
AREA_WORDS = translated("AREA_WORDS", of=len(AREA_WIDTHS))  # what people call those levels; none: as in China
CELL_CODE = text("CELL_CODE", r"^\d{14,15}$")
CELL_NEAR_M = number("CELL_NEAR_M", 50, most=10_000)  # a point this near a cell still belongs to it, flagged
SHIFT_HOURS = number("SHIFT_HOURS", 14, least=1, most=72)  # the longest that anybody is on duty without saying so again
TRACK_DAYS = whole("TRACK_DAYS", 90, least=1, most=3650)  # for which the tracks of those on duty are kept
TRACK_FRESH_MINUTES = number("TRACK_FRESH_MINUTES", 15, least=1, most=1440)  # an older last position tells nothing
CHECK_NEAR_M = number("CHECK_NEAR_M", 500, most=100_000)  # whoever is on duty so near a case may be drawn to check it
EXPORT_ROWS = {
    "csv": whole("EXPORT_ROWS", 200_000, least=1, most=10_000_000),
    "xlsx": whole("EXPORT_XLSX_ROWS", 50_000, least=1, most=1_000_000),
}
EXPORT_HOURS = whole("EXPORT_HOURS", 48, least=1, most=8760)  # for which a file that was exported can be fetched
TRIAL_DAYS = whole("TRIAL_DAYS", 90, least=1, most=3650)  # for which what-ifs under other limits or duties are kept
LOAD_MEMORY_MB = whole("LOAD_MEMORY_MB", 2048, least=64, most=262_144)  # that a command may take for the files it loads
CATEGORY_SCHEME = text("CATEGORY_SCHEME", "gbt30428-2013")  # the generation in which people report
CASE_PREFIX = text("CASE_PREFIX", "WG")
ROUTE_COMPONENT = words("ROUTE_COMPONENT", "owner,maintainer,territory,competent")  # who is asked first
ROUTE_EVENT = words("ROUTE_EVENT", "territory,competent")
REWORK_SHARE = number("REWORK_SHARE", 0.5, most=1)  # of the original limit that rework gets at least
REWORK_GRANTS = whole("REWORK_GRANTS", 2, most=100)  # how often in a case a department gets it
SATISFIED_FROM = whole("SATISFIED_FROM", 3, least=1, most=5)  # the least rating of a call-back that satisfies
FORECAST_DAYS = whole("FORECAST_DAYS", 90, least=1, most=3650)  # the past that a forecast is told from
FORECAST_LEAST = whole("FORECAST_LEAST", 60, least=1, most=100_000)  # stints that a pace needs
FORECAST_RISK = number("FORECAST_RISK", 0.5, least=0.01, most=2)  # the chance to miss its limit that is a risk
PAIR_DAYS = whole("PAIR_DAYS", 90, least=1, most=3650)  # the past in which inspectors and departments are compared
PAIR_LEAST = whole("PAIR_LEAST", 20, least=2, most=10_000)  # checks that a pair needs to be judged
PAIR_MOST = whole("PAIR_MOST", 100_000, least=1, most=1_000_000)  # checks that are compared at once
PAIR_RATE = number("PAIR_RATE", 0.05, least=0.0001, most=1)  # the share of those listed that chance may have put there
PAIR_QUICK_MINUTES = number("PAIR_QUICK_MINUTES", 3, most=1440)  # so soon after the finish hardly anybody went
PHOTO_FAR_M = number("PHOTO_FAR_M", 300, most=100_000)  # a photo taken further from the report is flagged
PHOTO_OLD_MINUTES = number("PHOTO_OLD_MINUTES", 60, most=525_600)  # or taken so long before
SEEN_AHEAD_MINUTES = number("SEEN_AHEAD_MINUTES", 10, most=10_080)  # a report seen later than it arrived is flagged
SEEN_OLD_HOURS = number("SEEN_OLD_HOURS", 24, most=8760)  # or so long before
PHOTO_LIKE_BITS = whole("PHOTO_LIKE_BITS", 3, most=3)  # of 64 in which photos of one picture may differ

# The map of the desk: without either it has the city's own lines
SHIFTED = ("autonavi.com", "amap.com", "gtimg.com", "google.cn", "bdimg.com", "baidu.com")  # GCJ-02, BD-09


def base_map(address: str) -> str:
    """The address of a base map whose positions are true; nonsense, and maps up to 700 m off, are refused."""
    if address and not all(part in address for part in ("://", "{z}", "{x}", "{y}")):
        raise ImproperlyConfigured(f"MAP_TILES_URL={address}: say https://tiles.example.gov.cn/{{z}}/{{x}}/{{y}}.png")
    if any(host in address for host in SHIFTED):
        raise ImproperlyConfigured(f"MAP_TILES_URL={address}: this map is shifted by up to 700 m, see docs/map.md")
    return address


MAP_TILES_URL = base_map(text("MAP_TILES_URL"))
MAP_ATTRIBUTION = text("MAP_ATTRIBUTION")
MAP_SECONDS = whole("MAP_SECONDS", 30, most=3600)  # so old the map of what is open may be, ten times that a map of heat
TIANDITU_KEY = text("TIANDITU_KEY")  # of 天地图; browsers see it

# The worker: at least once, in our own transactions. See docs/architecture.md for each figure.
Q_CLUSTER = {
    "name": "wangge",
    "orm": "default",
    "workers": whole("WORKERS", 1, least=1, most=64),
    "broker_class": "cases.broker.Broker",
    "timeout": 120,
    "retry": 180,
    "queue_limit": 1,
    "save_limit": -1,
    "bulk": 20,
    "poll": 0.2,
    "max_attempts": 0,
    "catch_up": False,
    "ack_failures": True,
    "label": "任务",
}

# Push: without credentials it is off and the inbox still works
FCM_CREDENTIALS = text("FCM_CREDENTIALS")  # a path to the service account's JSON
FCM_ENDPOINT = text("FCM_ENDPOINT")  # none: Google's
PUSH_DEVICES = whole("PUSH_DEVICES", 10, least=1, most=100)  # phones of an officer that push reaches

# An open app: where deploy/live.py is reached by the phones; without it they poll
LIVE_URL = text("LIVE_URL").rstrip("/")

# E-mail: without a server it is off
EMAIL_URL = text("EMAIL_URL")  # smtp://user:password@host:587 (STARTTLS), smtps://… (TLS), smtp+plain://… (neither)


def mail_server(address: str) -> tuple[SplitResult, int]:
    """The parts of a mail server's address, and its port. Nonsense is refused."""
    try:
        parts = urlsplit(address)
        if parts.scheme in ("", "smtp", "smtps", "smtp+plain") and bool(parts.scheme) == bool(parts.hostname):
            return parts, parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:  # brackets that do not match, a port that is none
        pass
    raise ImproperlyConfigured("EMAIL_URL: say smtp://user:password@host:587 or smtps://user:password@host:465")


_mail, EMAIL_PORT = mail_server(EMAIL_URL)
EMAIL_HOST = _mail.hostname or ""
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.scheme == "smtp", _mail.scheme == "smtps"
EMAIL_BACKEND = "mobile_api.post.EmailBackend"
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "wangge@localhost")
DIGEST_HOUR = whole("DIGEST_HOUR", 8, most=23)  # from which on the day's digest is written

# Text messages: without an address they are off
SMS_URL = text("SMS_URL")
SMS_TOKEN = text("SMS_TOKEN")
SMS_GATEWAY = text("SMS_GATEWAY", "mobile_api.sms.HttpGateway")

# Programs of the city that hear of events
HOOKS = yes("HOOKS")
HOOK_OVERLAP_HOURS = number("HOOK_OVERLAP_HOURS", 24, most=720)  # a replaced secret signs so long beside the new one
HOOK_HOSTS = words("HOOK_HOSTS")  # hosts of our own network that they may be at, or host:port
HOOK_PORTS = [port(said) for said in words("HOOK_PORTS", "443,8443")]  # of all other hosts

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"django-q": {"level": "WARNING"}},  # it tells of every task
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
}
