"""Columns whose text means nothing to the database: encrypted ones and sessions. Each row is opened and read here."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from crasme.kit.fields import EncryptedTextField
from retention import graph

Texts = Callable[[], Iterator[tuple[Any, str]]]
AT_ONCE = 1_000


def columns() -> Iterator[tuple[type[models.Model], str, Texts]]:
    """Model, field, and what gives the key and the text of each row."""
    yield _session_store().get_model_class(), "session_data", _sessions
    for model in graph.stored_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name, _encrypted(model, field.name)


def _encrypted(model: type[models.Model], name: str) -> Texts:
    rows = model._base_manager.exclude(**{f"{name}__isnull": True}).order_by().values_list("pk", name)
    return lambda: rows.iterator(chunk_size=AT_ONCE)


def _sessions() -> Iterator[tuple[Any, str]]:
    for session in _session_store().get_model_class()._base_manager.iterator(chunk_size=AT_ONCE):
        yield session.pk, json.dumps(session.get_decoded(), default=str, ensure_ascii=False)


def _session_store() -> Any:
    return import_string(f"{settings.SESSION_ENGINE}.SessionStore")
