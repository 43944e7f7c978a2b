from consent.models.acceptance import Acceptance
from consent.models.choices import MarketingChoice
from consent.models.events import ConsentEvent, HeldConsentEvent, VisitorAccount
from consent.models.measurements import NoticeMeasurement
from consent.models.notices import Notice, NoticeDay, NoticePicture
from consent.models.registry import Category, Cookie, Service
from consent.models.sightings import CookieSighting
from consent.models.suppression import Suppression
from consent.models.topics import Basis, Channel, Topic
from consent.models.versions import RegistryCheck, RegistryVersion

__all__ = [
    "Acceptance",
    "Basis",
    "Category",
    "Channel",
    "ConsentEvent",
    "Cookie",
    "CookieSighting",
    "HeldConsentEvent",
    "MarketingChoice",
    "Notice",
    "NoticeDay",
    "NoticeMeasurement",
    "NoticePicture",
    "RegistryCheck",
    "RegistryVersion",
    "Service",
    "Suppression",
    "Topic",
    "VisitorAccount",
]
