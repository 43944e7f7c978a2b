"""The admin of the consent room: the registry to edit, the evidence to read."""

from consent.admin import events, notices, registry, sightings, suppression

__all__ = ["events", "notices", "registry", "sightings", "suppression"]
