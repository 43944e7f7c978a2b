"""Accounts as tables: what an import takes and what an export hands out."""

from crasme.crm.sheets.exports import AccountExport
from crasme.crm.sheets.imports import AccountImport

__all__ = ["AccountExport", "AccountImport"]
