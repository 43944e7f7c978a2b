"""The admin of the consent room: the registry to edit, the evidence to read."""

from consent.admin import events, notices, records, registry, sightings, suppression, versions

__all__ = ["events", "notices", "records", "registry", "sightings", "suppression", "versions"]
