from consent.models.events import ConsentEvent
from consent.models.notices import Notice
from consent.models.registry import Category, Cookie, Service
from consent.models.sightings import CookieSighting
from consent.models.suppression import Suppression
from consent.models.versions import RegistryCheck, RegistryVersion

__all__ = [
    "Category",
    "ConsentEvent",
    "Cookie",
    "CookieSighting",
    "Notice",
    "RegistryCheck",
    "RegistryVersion",
    "Service",
    "Suppression",
]
