"""Files go out without formulas, and come in whole or with one clear sentence."""

import csv
import io
import json
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
import tablib
from django import forms
from hypothesis import given, strategies as st
from import_export import resources

from crasme.kit import formats
from crasme.kit.formats import CSV, JSON, XLSX, FileRefused, SafeFormats

SHEET_DAY = datetime(2026, 11, 22)  # noqa: DTZ001  (Excel knows no zones)
FORMULA = '=HYPERLINK("https://evil.example","click")'


def table(*rows: list[object], headers: tuple[str, ...] = ("name", "amount")) -> tablib.Dataset:
    return tablib.Dataset(*rows, headers=list(headers))


def workbook(*rows: list[object], edit: object = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if edit:
        edit(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(data: bytes, change: object) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = change(part.filename, old.read(part))
            if content is not None:
                new.writestr(part.filename, content)
    return file.getvalue()


def sheet(data: bytes) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True))


# --- out -------------------------------------------------------------------------------------------------------------
def test_csv_is_neutralised_and_readable_for_excel() -> None:
    data = CSV().export_data(table([FORMULA, -5], ["Zoë", Decimal("-2.50")], headers=("name", "@amount")))
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows == [["name", "'@amount"], [f"'{FORMULA}", "-5"], ["Zoë", "-2.50"]]


def test_xlsx_is_neutralised_and_keeps_numbers_and_dates() -> None:
    day, instant = date(2026, 11, 22), datetime(2026, 11, 22, 12, tzinfo=UTC)
    data = XLSX().export_data(
        table([FORMULA, -5], ["\u200b@x", 2.5], [day, instant], ["bell\x07 \x00 \ud800", None]),
    )
    book = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [cell.data_type for row in book.iter_rows() for cell in row if cell.data_type == "f"] == []
    assert sheet(data) == [
        ("name", "amount"),
        (f"'{FORMULA}", -5),
        ("'\u200b@x", 2.5),
        (SHEET_DAY, "2026-11-22T12:00:00+00:00"),
        ("bell  ", None),
    ]


def test_json_is_exact() -> None:
    data = JSON().export_data(table([FORMULA, -5]))
    assert json.loads(data) == [{"name": FORMULA, "amount": -5}]


class PaymentResource(resources.Resource):
    amount = resources.Field(attribute="amount", widget=resources.widgets.IntegerWidget())
    name = resources.Field(attribute="name")


class Payment:
    def __init__(self, name: str, amount: int) -> None:
        self.name, self.amount = name, amount


def test_negative_numbers_of_a_resource_stay_numbers_in_the_admin() -> None:
    for safe in formats.SAFE_FORMATS:
        assert safe in formats.base_formats.BINARY_FORMATS
    dataset = PaymentResource().export([Payment("-5", -5)], force_native_type=True)
    assert sheet(XLSX().export_data(dataset))[1] == (-5, "'-5")
    assert CSV().export_data(dataset).decode("utf-8-sig").splitlines()[1] == "-5,'-5"


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(-(10**9), 10**9)), max_size=5
    )
)
def test_an_export_comes_back_as_it_was(rows: list[tuple[str, int]]) -> None:
    rows = [(f"x{text}" if text.startswith(("'", "\ufeff")) else text, number) for text, number in rows]
    back = CSV().create_dataset(CSV().export_data(table(*map(list, rows))))
    assert [(name, int(number)) for name, number in back] == rows


# --- in --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_every_usual_kind_is_read(encoding: str, delimiter: str) -> None:
    lines = [["name", "city"], ["Zoë", "Straße 1\nHof 2"], ["", ""], ["שלום", ""]]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(lines)
    dataset = CSV(encoding="utf-8-sig").create_dataset(file.getvalue().encode(encoding))
    assert dataset.headers == ["name", "city"]
    assert dataset[:] == [("Zoë", "Straße 1\nHof 2"), ("שלום", "")]


def test_short_rows_are_filled_and_text_is_accepted() -> None:
    assert CSV().create_dataset("a,b,c\n1\n1,2,3,,,\n")[:] == [("1", "", ""), ("1", "2", "3")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"name\nAna\nZo\xeb\n", "line 3"),
        (b"\xff\xfe\x00", "line 1"),
        (b"name,city\nAna,Gr\x00az\n", "Line 2, column “city” holds a NUL"),
        (b"name,city\nAna,\x1b[31m\n", "U\\+001B"),
        (b"n\x00a\x00m\x00e", "Column 1"),
        (b"name,city\nAna,Graz,8010\n", "Line 2 has more cells \\(3\\) than the header has names \\(2\\)"),
        (b"name,name\nAna,Graz\n", "Column 2"),
        (b"name,,city\nAna,x,Graz\n", "Column 2"),
        (b'name,city\n"Ana,Graz\n', "regular CSV"),
        (b'name,city\n"Ana"x,Graz\n', "regular CSV"),
        (b"name\n" + b"x" * 200_000, "regular CSV"),
        (b",".join(b"c%d" % n for n in range(501)) + b"\n", "500 columns"),
    ],
)
def test_a_broken_csv_is_refused_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(FileRefused, match=message) as refused:
        CSV().create_dataset(data)
    assert "Ana" not in str(refused.value)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    with pytest.raises(FileRefused, match="Line 4"):
        CSV().create_dataset('a,b\n"two\nlines",1\nx\x00,2\n')


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_ROWS", 3)
    assert len(CSV().create_dataset("a\n1\n2\n3\n")) == 3
    with pytest.raises(FileRefused, match="more than 3 rows"):
        CSV().create_dataset("a\n1\n2\n3\n4\n")
    monkeypatch.setattr(formats, "LARGEST_FILE", 2**20)
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        CSV().create_dataset(b"x" * (2**20 + 1))


def test_xlsx_values_are_read() -> None:
    data = workbook(["name", "n", "day"], ["Ana", 5, date(2026, 11, 22)], [None, 7], [None], ["'-x", True])
    assert XLSX().create_dataset(data)[:] == [
        ("Ana", 5, SHEET_DAY),
        ("", 7, ""),
        ("-x", True, ""),
    ]


def test_a_formula_is_refused_by_its_cell_and_never_read_as_empty() -> None:
    with pytest.raises(FileRefused, match="Cell B3 holds a formula") as refused:
        XLSX().create_dataset(workbook(["name", "n"], ["Ana", 5], ["Ben", "=1+1"]))
    assert "paste values only" in str(refused.value.remedy)


@pytest.mark.parametrize("claim", [b"A1:XFD1048576", b"A1:A1", b"A1"])
def test_what_a_workbook_claims_about_its_size_is_ignored(claim: bytes) -> None:
    honest = workbook(["name", "n"], ["Ana", 5])
    lying = repacked(
        honest, lambda _name, part: part.replace(b'<dimension ref="A1:B2"', b'<dimension ref="%s"' % claim)
    )
    assert lying != repacked(honest, lambda _name, part: part)
    assert XLSX().create_dataset(lying)[:] == [("Ana", 5)]


def test_a_row_far_below_costs_nothing() -> None:
    def far(book: openpyxl.Workbook) -> None:
        book.active.cell(row=1_000_000, column=1, value="late")

    assert XLSX().create_dataset(workbook(["name"], ["Ana"], edit=far))[:] == [("Ana",), ("late",)]


def bomb() -> bytes:
    data = workbook(["name"], ["Ana"])
    return repacked(data, lambda name, part: part + b" " * 60 * 2**20 if name.endswith("sheet1.xml") else part)


def no_sheet() -> bytes:
    return repacked(workbook(["name"]), lambda name, part: None if name.endswith("sheet1.xml") else part)


def broken_xml() -> bytes:
    return repacked(
        workbook(["name"]), lambda name, part: part[: len(part) // 2] if name.endswith("sheet1.xml") else part
    )


def laughs() -> bytes:
    entities = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
    head = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">' + entities + b"]>"
    body = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    body += b'<c r="A1" t="inlineStr"><is><t>&l11;</t></is></c></row></sheetData></worksheet>'
    return repacked(workbook(["name"]), lambda name, part: head + body if name.endswith("sheet1.xml") else part)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: b"", "no Excel workbook"),
        (lambda: b"name,city\nAna,Graz\n", "no Excel workbook"),
        (lambda: b"PK\x03\x04" + b"\x00" * 100, "no Excel workbook"),
        (lambda: workbook(["name"], ["Ana"])[:-200], "no Excel workbook"),
        (lambda: b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "save them as .xlsx"),
        (bomb, "unpack"),
        (no_sheet, "no readable Excel workbook"),
        (broken_xml, "no readable Excel workbook"),
        (laughs, "no readable Excel workbook"),
        (lambda: workbook(["name", "name"], ["Ana", "x"]), "Column 2"),
        (workbook, "empty"),
        (lambda: workbook(["name"], ["Ana", "extra"]), "Line 2 has more cells"),
    ],
)
def test_a_broken_workbook_is_refused_in_one_sentence(data: object, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        XLSX().create_dataset(data())


def test_a_workbook_of_charts_only_is_refused() -> None:
    def charts(book: openpyxl.Workbook) -> None:
        book.create_chartsheet()
        book.remove(book.worksheets[0])

    with pytest.raises(FileRefused, match="no readable"):
        XLSX().create_dataset(workbook(edit=charts))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_a_crash(data: bytes) -> None:
    for each in (CSV, XLSX, JSON):
        with suppress(FileRefused):
            each().create_dataset(data)


@given(st.data())
def test_a_damaged_workbook_is_read_or_refused_never_a_crash(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FileRefused):
        XLSX().create_dataset(bytes(whole))


WHOLE = workbook(["name", "n"], ["Ana", 5])


def test_json_rows_may_have_their_keys_in_any_order() -> None:
    dataset = JSON().create_dataset(
        b'\xef\xbb\xbf[{"name": "Ana", "n": 1}, {"n": 2}, {"city": "Graz", "name": "\'=x"}]'
    )
    assert dataset.headers == ["name", "n", "city"]
    assert dataset[:] == [("Ana", 1, ""), (None, 2, ""), ("'=x", None, "Graz")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "valid JSON"),
        (b"{", "valid JSON \\(line 1\\)"),
        (b'[{"a": 1},\n{"b": }]', "line 2"),
        (b'{"a": 1}', "list of objects"),
        (b"[1, 2]", "list of objects"),
        (b"[]", "empty"),
        (b"[" * 200_000, "valid JSON"),
        (b'[{"a": "x\\u0000"}]', "NUL"),
        (b'[{"a": "x\\ud800"}]', "surrogate"),
        (b'[{"a": "Zo\xeb"}]', "UTF-8"),
        (b'[{"": 1}]', "Column 1"),
    ],
)
def test_a_broken_json_is_refused_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        JSON().create_dataset(data)


# --- in the admin ----------------------------------------------------------------------------------------------------
def test_the_admin_shows_the_sentence_at_the_file() -> None:
    class Rest:
        def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
            form.add_error("import_file", "something else")

    class Admin(SafeFormats, Rest):
        pass

    class Upload(forms.Form):
        import_file = forms.CharField()

    for error, shown in (
        (FileRefused("Line 3 is wrong.", remedy="Mend it."), "Line 3 is wrong. Mend it."),
        (KeyError("x"), "something else"),
    ):
        form = Upload({"import_file": "x"})
        assert form.is_valid()
        Admin().add_data_read_fail_error_to_form(form, error)
        assert form.errors["import_file"] == [shown]
    assert Admin.import_formats == Admin.export_formats == (CSV, XLSX, JSON)
    assert [each().get_title() for each in Admin.formats] == ["csv", "xlsx", "json"]
    assert all(each().can_import() and each().can_export() and each.is_available() for each in Admin.formats)
