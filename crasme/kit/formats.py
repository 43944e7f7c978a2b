"""File formats for import and export in the admin: CSV, XLSX and JSON, safe in both directions.

What could go wrong: an export carries a formula; an XLSX of 40 kB unpacks to gigabytes, or claims a million columns;
a CSV in another encoding crashes the page, or worse, is read as mojibake; a short row shifts every value after it.
So exports are neutralised (JSON is not: nothing runs it, and its readers want the exact text), and a file is either
read completely or refused with one sentence that says what is wrong, in which line, and what to do.
"""

import codecs
import csv
import io
import json
import warnings
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import openpyxl
import tablib
from django.utils.translation import gettext as _
from import_export.formats import base_formats

from crasme.kit import sheets, text
from crasme.kit.errors import CrasmeError

LARGEST_FILE = 50 * 2**20
LARGEST_UNPACKED = 500 * 2**20
HIGHEST_RATIO = 200
SMALL_ENOUGH = 10 * 2**20
MOST_PARTS = 2_000
MOST_ROWS = 500_000
MOST_COLUMNS = 500
_NOT_UTF8 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class FileRefused(CrasmeError, ValueError):
    """An uploaded file that cannot be read; the message is for the person who chose it and quotes nothing of it."""

    code = "file-refused"


class _Safe:
    """What the three formats share. All are "binary" to import-export, so that decoding happens here, and explains."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes | str, **kwargs: Any) -> tablib.Dataset:
        """The rows of an uploaded file, or FileRefused."""
        data = in_stream.encode() if isinstance(in_stream, str) else in_stream
        if len(data) > LARGEST_FILE:
            raise FileRefused(
                _("The file is larger than %(size)d MB.") % {"size": LARGEST_FILE >> 20},
                remedy=_("Split it into several files."),
            )
        return self._read(data)

    def _read(self, data: bytes) -> tablib.Dataset:
        raise NotImplementedError


class CSV(_Safe, base_formats.CSV):
    """Exports UTF-8 with a mark that Excel needs; imports UTF-8 or marked UTF-16, with commas, semicolons or tabs."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        file = io.StringIO(newline="")
        writer = sheets.csv_writer(file)
        if dataset.headers:
            writer.writerow(dataset.headers)
        writer.writerows(dataset)
        return codecs.BOM_UTF8 + file.getvalue().encode(errors="replace")

    def _read(self, data: bytes) -> tablib.Dataset:
        content = _decoded(data)
        head = content.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        try:
            rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
            return _with_header((rows.line_num, row) for row in rows)
        except csv.Error as error:
            raise FileRefused(
                _("The file is no regular CSV: a quotation mark is open or misplaced, or a cell is too long."),
                remedy=_("Save it again as “CSV UTF-8” from your spreadsheet program."),
            ) from error


class XLSX(_Safe, base_formats.XLSX):
    """Exports native numbers and dates; imports the values of the active sheet and refuses a sheet with formulas.

    The result of a formula is in the file only if some program has computed it; without, the cell reads as empty, and
    an import would empty somebody's field without a word.
    """

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        safe = tablib.Dataset(title=dataset.title)
        safe.headers = [_cell(value) for value in dataset.headers] if dataset.headers else None
        for row in dataset:
            safe.append([_cell(value) for value in row])
        exported: bytes = super().export_data(safe, **kwargs)
        return exported

    def _read(self, data: bytes) -> tablib.Dataset:
        _refuse_bomb(data)
        try:
            with warnings.catch_warnings():
                # Styles and extensions that openpyxl does not know are no concern of a reader of values.
                warnings.simplefilter("ignore", UserWarning)
                book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
                sheet: Any = book.active
                sheet.reset_dimensions()  # what the file claims about its size is not to be believed
                rows = enumerate(sheet.iter_rows(), start=1)
                return _with_header((number, [_value(cell) for cell in row]) for number, row in rows)
        except FileRefused:
            raise
        # A broken workbook fails inside openpyxl in more ways than it documents (KeyError, ParseError …).
        except Exception as error:
            raise FileRefused(
                _("The file is no readable Excel workbook (.xlsx)."),
                remedy=_("Open it in your spreadsheet program and save it again as .xlsx."),
            ) from error


def _value(cell: Any) -> Any:
    if cell.data_type == "f":
        raise FileRefused(
            _("Cell %(cell)s holds a formula.") % {"cell": cell.coordinate},
            remedy=_("Replace the formulas by their values (copy, then paste values only), and save the file again."),
        )
    return "" if cell.value is None else cell.value


class JSON(_Safe, base_formats.JSON):
    """A list of objects. Keys may be missing or stand in any order; the columns are all keys that occur."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        exported: str = super().export_data(dataset, **kwargs)
        return exported.encode(errors="replace")

    def _read(self, data: bytes) -> tablib.Dataset:
        try:
            rows = json.loads(_decoded(data))
        except (ValueError, RecursionError) as error:
            if isinstance(error, FileRefused):
                raise
            line = getattr(error, "lineno", 0)
            where = _(" (line %(line)d)") % {"line": line} if line else ""
            raise FileRefused(_("The file is no valid JSON%(where)s.") % {"where": where}) from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FileRefused(_("The JSON must be a list of objects, one for each row."))
        columns = list(dict.fromkeys(key for row in rows for key in row))
        table = ((number, [row.get(key) for key in columns]) for number, row in enumerate(rows, start=1))
        return _dataset(columns, table)


SAFE_FORMATS = (CSV, XLSX, JSON)
# import-export hands native numbers and dates only to the classes listed there, by identity; as text, a negative
# number could not be told from a formula.
base_formats.BINARY_FORMATS.extend(SAFE_FORMATS)


class SafeFormats:
    """Mixin for import-export's admins, before them in the bases: these formats only, and their errors in full."""

    formats = SAFE_FORMATS
    import_formats = SAFE_FORMATS
    export_formats = SAFE_FORMATS

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if isinstance(e, FileRefused):
            form.add_error("import_file", str(e))
        else:
            super().add_data_read_fail_error_to_form(form, e)  # type: ignore[misc]


def _cell(value: Any) -> Any:
    """Excel knows neither time zones nor control characters."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    value = sheets.neutralise(value)
    return text.clean(value) if isinstance(value, str) else value


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data.startswith(_NOT_UTF8) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileRefused(
            _("The file is not in UTF-8: line %(line)d cannot be read.")
            % {"line": data.count(b"\n", 0, error.start) + 1},
            remedy=_("Save it again as “CSV UTF-8” from your spreadsheet program."),
        ) from None


def _with_header(rows: Iterable[tuple[int, list[Any]]]) -> tablib.Dataset:
    """Of a spreadsheet's numbered rows: the first that is not blank names the columns, the others are as exported."""
    numbered = iter(rows)
    header = next((cells for _number, row in numbered if (cells := _trimmed(row))), [])
    restored = ((number, [sheets.restore(cell) for cell in row]) for number, row in numbered)
    return _dataset([str(sheets.restore(name)).strip() for name in header], restored)


def _dataset(names: list[str], rows: Iterable[tuple[int, list[Any]]]) -> tablib.Dataset:
    """Numbered rows as a dataset, without blank rows and filled to the same width; FileRefused names the line."""
    _refuse_headers(names)
    dataset = tablib.Dataset()
    dataset.headers = names
    for number, row in rows:
        cells = _trimmed(row)
        if not cells:
            continue
        if len(cells) > len(names):
            raise FileRefused(
                _("Line %(line)d has more cells (%(cells)d) than the header has names (%(names)d).")
                % {"line": number, "cells": len(cells), "names": len(names)}
            )
        if len(dataset) >= MOST_ROWS:
            raise FileRefused(
                _("The file has more than %(rows)d rows.") % {"rows": MOST_ROWS},
                remedy=_("Split it into several files."),
            )
        for name, cell in zip(names, cells, strict=False):
            _refuse_unreadable(cell, name, number)
        dataset.append(cells + [""] * (len(names) - len(cells)))
    return dataset


def _trimmed(row: list[Any]) -> list[Any]:
    """Without the empty cells at the end, which spreadsheets add by the thousand."""
    width = len(row)
    while width and (row[width - 1] is None or row[width - 1] == ""):
        width -= 1
    return row[:width]


def _refuse_headers(names: list[str]) -> None:
    if not names:
        raise FileRefused(_("The file is empty: its first row must name the columns."))
    if len(names) > MOST_COLUMNS:
        raise FileRefused(_("The file has more than %(columns)d columns.") % {"columns": MOST_COLUMNS})
    for position, name in enumerate(names, start=1):
        if not name or text.problem(name) or name in names[: position - 1]:
            raise FileRefused(
                _("Column %(column)d has no readable name of its own in the first row.") % {"column": position}
            )


def _refuse_unreadable(cell: Any, name: str, line: int) -> None:
    if isinstance(cell, str) and (what := text.problem(cell)):
        raise FileRefused(
            _("Line %(line)d, column “%(column)s” holds %(what)s.") % {"line": line, "column": name, "what": what},
            remedy=_("Remove it, or export the file anew as UTF-8."),
        )


def _refuse_bomb(data: bytes) -> None:
    """Before anything is unpacked. Declared sizes may be trusted as limits: zipfile never reads more than declared."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise FileRefused(
            _("The file is no Excel workbook (.xlsx)."), remedy=_("Older .xls files: save them as .xlsx first.")
        ) from error
    unpacked = sum(part.file_size for part in parts)
    swollen = unpacked > SMALL_ENOUGH and unpacked > HIGHEST_RATIO * len(data)
    if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED or swollen:
        raise FileRefused(
            _("The workbook would unpack to far more than its size; such files are not opened."),
            remedy=_("Save only the needed sheet, or use CSV."),
        )
