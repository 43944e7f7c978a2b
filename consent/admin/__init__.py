"""The admin of the consent room: the registry to edit, the evidence to read."""

from consent.admin import events, marketing, measurements, notices, records, registry, sightings, suppression, versions

__all__ = [
    "events",
    "marketing",
    "measurements",
    "notices",
    "records",
    "registry",
    "sightings",
    "suppression",
    "versions",
]
