from consent.models.acceptance import Acceptance
from consent.models.events import ConsentEvent, HeldConsentEvent, VisitorAccount
from consent.models.notices import Notice, NoticeDay, NoticePicture
from consent.models.registry import Category, Cookie, Service
from consent.models.sightings import CookieSighting
from consent.models.suppression import Suppression
from consent.models.versions import RegistryCheck, RegistryVersion

__all__ = [
    "Acceptance",
    "Category",
    "ConsentEvent",
    "Cookie",
    "CookieSighting",
    "HeldConsentEvent",
    "Notice",
    "NoticeDay",
    "NoticePicture",
    "RegistryCheck",
    "RegistryVersion",
    "Service",
    "Suppression",
    "VisitorAccount",
]
