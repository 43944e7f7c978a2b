"""All settings, from the environment only; a production start with something missing says everything that is.

What could go wrong: a default that is handy in development and a hole in production. So every default below is
given for DEBUG only, and `required` collects what production lacks before anything connects anywhere.
"""

import os
from base64 import b64decode
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from crasme import schedule

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".local")))

_missing: list[str] = []


def required(name: str, *, purpose: str, debug: str = "") -> str:
    """The variable's value; while DEBUG is on, `debug` when it is unset. Otherwise it is reported as missing."""
    value: str = env.str(name, default=debug if DEBUG else "")
    if not value:
        _missing.append(f"  {name:<16} {purpose}")
    return value


SECRET_KEY = required("SECRET_KEY", purpose="signs sessions and links; 50 random characters or more")
_database_url = required("DATABASE_URL", purpose="postgres://user:password@host:5432/name")
BROKER_URL = required("BROKER_URL", purpose="redis://host:6379/0, the Valkey or Redis server of the task queue")
_allowed_hosts = required("ALLOWED_HOSTS", purpose="host names served, with commas", debug="localhost,127.0.0.1,[::1]")
_email_url = required("EMAIL_URL", purpose="smtp+tls://user:password@host:587, the outgoing mail server")
_field_keys = required("FIELD_KEYS", purpose="Fernet keys with commas; the first encrypts, the others still decrypt")
_subject_key = required("SUBJECT_KEY", purpose="32 bytes or more in hex; keys the hashes that stand for people")
SITE_URL = required(
    "SITE_URL", purpose="https://privacy.example.com, as it stands in mails", debug="http://localhost:8000"
).rstrip("/")  # paths are put behind it, and an origin to trust has no slash
if _missing:
    raise ImproperlyConfigured(
        "The environment lacks what the privacy back office needs (set it, or start locally with `make run`):\n"
        + "\n".join(_missing)
    )

ALLOWED_HOSTS = [host.strip() for host in _allowed_hosts.split(",") if host.strip()]
FIELD_KEYS = [key.strip() for key in _field_keys.split(",") if key.strip()]
try:
    SUBJECT_KEY = bytes.fromhex(_subject_key)
except ValueError:
    raise ImproperlyConfigured("SUBJECT_KEY must be hexadecimal: two digits a byte, 32 bytes or more.") from None
if len(SUBJECT_KEY) < 32:
    raise ImproperlyConfigured("SUBJECT_KEY is too short: give 32 bytes or more (64 hexadecimal digits).")
# Under which keys addresses stand on the suppression list: "2:<hex>,1:subject". New rows get the first, all are asked;
# "subject" is the one that SUBJECT_KEY gives, here as empty bytes. See docs/operations.md.
_peppers = env.str("SUPPRESSION_PEPPERS", default="1:subject")
try:
    SUPPRESSION_PEPPERS = {
        int(version): b"" if key == "subject" else bytes.fromhex(key)
        for version, _colon, key in (each.strip().partition(":") for each in _peppers.split(","))
    }
except ValueError:
    raise ImproperlyConfigured('SUPPRESSION_PEPPERS reads "2:<hex>,1:subject": number, colon, hexadecimal.') from None
if any(0 < len(key) < 32 for key in SUPPRESSION_PEPPERS.values()):
    raise ImproperlyConfigured("A key of SUPPRESSION_PEPPERS is too short: give 32 bytes or more (64 digits).")
# Where the controller is: its calendar day is the day on which a request counts as received.
CONTROLLER_ZONE = env.str("CONTROLLER_ZONE", default="Europe/Vienna")
# Demo staff may sign in without a second factor, and the sign-in page says so. Never outside DEBUG.
DEMO_SIGN_INS = DEBUG and env.bool("DEMO_SIGN_INS", default=False)
# Whether an address that leads nowhere is answered by Django's page for programmers. Never outside DEBUG.
TECHNICAL_ERRORS = DEBUG and env.bool("TECHNICAL_ERRORS", default=False)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the plain one: its default would replace StaffSite
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "crasme.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "crasme.staff.apps.SchedulesConfig",  # django_celery_beat, by the name that its pages have here
    "import_export",
    "crasme.kit",
    "crasme.ledger",
    "crasme.staff",
    "crasme.crm",
    "consent",
    "retention",
    "privacy",
    "crasme",
]

MIDDLEWARE = [
    "consent.middleware.CookieGuard",  # outermost: it must see every Set-Cookie that anything below makes
    "django.middleware.security.SecurityMiddleware",
    "crasme.lane.ShortLane",  # what needs nothing of what follows
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "consent.origins.ConsentedOrigins",
    "crasme.gate.RestoreGate",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "crasme.staff.middleware.OneStaffLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "crasme.notfound.OwnNotFound",
]

ROOT_URLCONF = "crasme.urls"
WSGI_APPLICATION = "crasme.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "crasme.context.site",
            ],
        },
    }
]

# --- storage -----------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(_database_url)}
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=300),
    "CONN_HEALTH_CHECKS": True,
    # Every period is defined in UTC (kit.calendar); a server's own zone must have no say in SQL either.
    # Django's own threshold, None, would have psycopg prepare nothing, not even what asks for it (kit.statements).
    "OPTIONS": DATABASES["default"].get("OPTIONS", {}) | {"options": "-c timezone=UTC", "prepare_threshold": 5},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "crasme.kit.counters.KeptRedisCache",
        "LOCATION": BROKER_URL,
        "KEY_PREFIX": env.str("CACHE_PREFIX", default="crasme-cache"),
        # Without limits a server that swallows packets would hold every visitor's form for minutes.
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
# Who knows how long rows are kept: (slug of a retention rule) -> kit.calendar.Period, LookupError without one. The CRM
# must ask, and lies below the room that knows.
RETENTION_PERIODS = "retention.periods.period_of"
# Retention rests between its bites while so many other sessions of the database are at work; 0: never.
RETENTION_GIVES_WAY_TO = env.int("RETENTION_GIVES_WAY_TO", default=2)
# Packages for data subjects, encrypted; never below a folder that the web server serves.
PACKAGE_DIR = DATA_DIR / "packages"
# Where backups lie: a folder, or with BACKUP_URL an object store (s3://bucket/folder) in its place.
BACKUP_URL = env.str("BACKUP_URL", default="")
BACKUP_DIR = Path(env.str("BACKUP_DIR", default=str(DATA_DIR / "backups")))
# The erasure ledger (retention.outside): outside of the database and its backups, the same for all hosts.
ERASURE_LEDGER_URL = env.str("ERASURE_LEDGER_URL", default=str(DATA_DIR / "erasures" / "ledger.jsonl"))
# Who writes there what must outlive a restore, for rooms below (kit.outside): `(act, *, now, **content)`.
WRITES_OUTSIDE = "retention.outside.soon.note"
# What follows a person whose address is corrected, for rooms above: `(former, fresh, *, actor, now)`.
FOLLOW_ADDRESS = ["consent.suppression.follow"]
# Which of many addresses are refused by the gate of marketing, for rooms below: `(addresses) -> those of them`.
UNWANTED_AT = "consent.suppression.unwanted_at"
UNWANTED_IN = "consent.suppression"  # the table it asks: whoever may see that is told how many, and has searched it
# Who carries out such an act again: `(content, *, actor, now) -> whether there was anything to do`.
REPLAYED = {
    "restrict": ["crasme.crm.services.again.restrict"],
    "unrestrict": ["privacy.services.restored.end_restrictions", "crasme.crm.services.again.unrestrict"],
    "object": ["crasme.crm.services.again.stop_analysis"],
    "unobject": ["crasme.crm.services.again.resume_analysis"],
    "dispute": ["crasme.crm.services.again.dispute"],
    "settle": ["crasme.crm.services.again.settle"],
    "suppress": ["consent.again.suppress"],
    "unsuppress": ["consent.again.lift"],
    "destroy": ["privacy.services.restored.destroy_package"],
    "empty": ["privacy.services.restored.empty_mails"],
    "let-go": ["privacy.services.restored.let_go"],
}
# What rooms above retention do of their own before a replay erases somebody again: `(subject, rows, *, now)`.
ERASED_AGAIN = ["privacy.services.restored.destroy_copies"]
MAIL_SPOOL = DATA_DIR / "mail"  # what the local mail sink received; shown at /inbox/ while DEBUG is on
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024  # a bulk call of 10,000 events is about 5 MB
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- tasks: results ignored, no chords; a message is only a wake-up, PostgreSQL is the queue of record -------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    # A publish must fail at once when the broker is away, or a visitor waits six seconds for the retries: the sweep
    # finds the work in PostgreSQL anyway. Workers and beat come back by settings of their own (BROKER_CONNECTION_…).
    "max_retries": 0,
    "global_keyprefix": env.str("BROKER_PREFIX", default="crasme:"),
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ROUTES = {"privacy.tasks.sweep": {"queue": "clock"}, "retention.tasks.tick": {"queue": "retention"}}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# How often it writes down when a task last ran: after every one. Else only each three minutes, and Schedules is stale.
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE | (schedule.COOKIE_SCAN if env.bool("COOKIE_SCAN", default=False) else {})

FLOWER_URL = env.str("FLOWER_URL", default="")  # where the menu finds the task monitor; empty: no entry
# How a local start signs in there; elsewhere no page has them to show.
FLOWER_USER = env.str("FLOWER_USER", default="") if DEBUG else ""
FLOWER_PASSWORD = env.str("FLOWER_PASSWORD", default="") if DEBUG else ""

# Messages to other systems go to public addresses alone; tests and local trying may allow this very machine.
WEBHOOKS_TO_LOOPBACK = DEBUG and env.bool("WEBHOOKS_TO_LOOPBACK", default=False)

# Who may say that somebody is signed in to the CRM (privacy.handoff): public keys, so nothing here is a secret.
HANDOFF_KEYS: dict[str, bytes] = {}
for _entry in env.list("HANDOFF_KEYS", default=[]):
    _name, _separator, _encoded = _entry.strip().partition(":")
    try:
        HANDOFF_KEYS[_name] = b64decode(_encoded, validate=True)
    except ValueError:
        _encoded = ""
    if not _name or len(HANDOFF_KEYS.get(_name, b"")) != 32:
        raise ImproperlyConfigured("HANDOFF_KEYS holds name:key with commas, each key 32 bytes (Ed25519) in base64.")

# What leaves this house is signed with one key a purpose (crasme.ledger.signing), derived from SUBJECT_KEY unless one
# is given: RECEIPT_KEY (32 bytes in base64) for receipts of cookie choices. The public halves of former keys stay
# named, so that what they signed can still be checked: by purpose in EVIDENCE_FORMER_KEYS, in hex as they stand there.
try:
    _receipt_key = b64decode(env.str("RECEIPT_KEY", default=""), validate=True)
    FORMER_KEYS: dict[str, list[bytes]] = {
        "consent-receipt": [
            b64decode(each.strip(), validate=True) for each in env.list("RECEIPT_FORMER_KEYS", default=[])
        ]
    }
except ValueError:
    raise ImproperlyConfigured("RECEIPT_KEY and RECEIPT_FORMER_KEYS are keys of 32 bytes in base64.") from None
try:
    for _entry in env.list("EVIDENCE_FORMER_KEYS", default=[]):
        _name, _separator, _encoded = _entry.strip().partition(":")
        FORMER_KEYS.setdefault(_name, []).append(bytes.fromhex(_encoded))
except ValueError:
    raise ImproperlyConfigured(
        "EVIDENCE_FORMER_KEYS holds purpose:key with commas, each key 64 digits in hex."
    ) from None
SIGNING_KEYS = {"consent-receipt": _receipt_key} if _receipt_key else {}
if any(len(key) != 32 for key in (*SIGNING_KEYS.values(), *(key for keys in FORMER_KEYS.values() for key in keys))):
    raise ImproperlyConfigured(
        "RECEIPT_KEY, RECEIPT_FORMER_KEYS and EVIDENCE_FORMER_KEYS are keys of 32 bytes (Ed25519)."
    )
# As records name them, in the words of DPV's locations (https://w3id.org/dpv/loc).
CONSENT_JURISDICTION = env.str("CONSENT_JURISDICTION", default="EU")
CONSENT_STORAGE_LOCATION = env.str("CONSENT_STORAGE_LOCATION", default="EU")

# --- people who sign in: staff only --------------------------------------------------------------------------------
AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
ACCOUNT_ADAPTER = "crasme.staff.adapters.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
# axes locks a pair of name and address; these stop guessing from many addresses without letting one lock others out.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,30/h/key"}
# Behind a proxy the address that counts tries is the one that the proxy saw, for allauth and axes alike.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.bool("BEHIND_PROXY", default=False) else 0
MFA_ADAPTER = "crasme.staff.adapters.StaffMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_ISSUER = "Crasme privacy"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "login"
AXES_ENABLE_ADMIN = False
AXES_HANDLER = "axes.handlers.cache.AxesCacheHandler"  # counts hashes that expire; its tables would name people
AXES_CLIENT_IP_CALLABLE = "crasme.staff.adapters.client_ip"
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
SESSION_ENGINE = "crasme.staff.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "crasme_session"
CSRF_COOKIE_NAME = "crasme_csrf"
LANGUAGE_COOKIE_NAME = "crasme_language"

# --- language and time ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "crasme.formats"
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "crasme.kit.statics.Storage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ROOT = BASE_DIR / "crasme" / "root"  # what programs ask for at the root of a site: the icon

# --- mail ----------------------------------------------------------------------------------------------------------
vars().update(env.email_url_config(_email_url))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Crasme privacy <support@crasme.com>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# imaps://user:password@host:993/INBOX?filed=Filed: the mailbox that people write to. Empty: none is read.
IMAP_URL = env.str("IMAP_URL", default="")
# The name by which the server that receives this mail signs its `Authentication-Results`. Empty: no sender is verified.
MAIL_AUTHSERV_ID = env.str("MAIL_AUTHSERV_ID", default="").strip()

# --- what browsers are told ----------------------------------------------------------------------------------------
_public_csp = {
    "default-src": [SELF],
    "script-src": [SELF, NONCE],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _public_csp}
# Unfold drives its pages with Alpine, which builds functions from attributes and sets style attributes; only the
# views below /admin/ (crasme.staff.site) get this wider policy.
ADMIN_CONTENT_SECURITY_POLICY = _public_csp | {
    "script-src": [SELF, UNSAFE_EVAL, NONCE],
    "style-src": [SELF, "'unsafe-inline'"],
}
SECURE_HSTS_SECONDS = 0 if DEBUG else 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]  # a probe and Prometheus speak plain HTTP to the container
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
X_FRAME_OPTIONS = "DENY"
# Origins of other sites that pages may use once a category is allowed: {"analytics": {"script-src": ["https://…"]}}.
CONSENT_ORIGINS: dict[str, dict[str, list[str]]] = env.json("CONSENT_ORIGINS", default={})
# Which category grants which signal of Google Consent Mode: analytics_storage=analytics,ad_storage= (never).
CONSENT_GOOGLE_SIGNALS: dict[str, str] = env.dict("CONSENT_GOOGLE_SIGNALS", default={})
COOKIE_GUARD_MODE = env.str("COOKIE_GUARD_MODE", default="enforce")  # or "report"

# What `manage.py cookies scan` walks through; the first must show the banner.
COOKIE_SCAN_ROUTES = env.list(
    "COOKIE_SCAN_ROUTES", default=["/", "/policy/", "/requests/new/", "/cookies/", "/evidence/verify/"]
)
# Chromium refuses to make a sandbox for root.
CHROMIUM_SANDBOX = env.bool("CHROMIUM_SANDBOX", default=not DEBUG and os.geteuid() != 0)

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # without one /metrics is shut outside development

# --- API -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crasme.staff.keys.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["crasme.staff.keys.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "crasme.problems.handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crasme privacy API",
    "DESCRIPTION": "Hand over usage events, ask and follow privacy requests, check suppression.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_SKIP_ADMIN_LOG = True  # it copies the row's text into the admin log; the access log counts instead

# --- logs: never a person, a secret or a body; the formatter adds nothing of the request ----------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "crasme.logs.WithoutSecrets"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "axes": {"level": "ERROR"},  # its warnings name the address that tried
        "django": {"handlers": []},  # its own would say each warning once more
    },
}

UNFOLD = {
    "SITE_TITLE": _("Crasme privacy"),
    "SITE_HEADER": _("Crasme privacy"),
    "SITE_SUBHEADER": _("Back office"),
    "SITE_SYMBOL": "shield_person",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "crasme.dashboard.favicon"}],
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["crasme.dashboard.styles"],
    "SCRIPTS": ["crasme.dashboard.scripts"],
    "ENVIRONMENT": "crasme.dashboard.environment",
    "DASHBOARD_CALLBACK": "crasme.dashboard.index",
    "SITE_VIEWS": [
        ("promises/", "promises", "crasme.dashboard.BoardPage"),
        ("promises/card/", "promises_card", "crasme.dashboard.BoardCard"),
        ("task-monitor/", "task_monitor", "crasme.dashboard.MonitorPage"),
    ],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "crasme.dashboard.navigation"},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 195)",
            "100": "oklch(94.5% .03 195)",
            "200": "oklch(89% .055 195)",
            "300": "oklch(81% .085 195)",
            "400": "oklch(71% .1 195)",
            "500": "oklch(60% .1 195)",
            "600": "oklch(51% .09 195)",
            "700": "oklch(43.5% .076 195)",
            "800": "oklch(37.5% .062 195)",
            "900": "oklch(32.5% .052 195)",
            "950": "oklch(24% .042 195)",
        }
    },
}
