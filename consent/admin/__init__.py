"""The admin of the consent room: the registry to edit, the evidence to read."""

from consent.admin import events, notices, registry, sightings, suppression, versions

__all__ = ["events", "notices", "registry", "sightings", "suppression", "versions"]
