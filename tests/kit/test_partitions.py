"""A migration makes the partitioned table, months are made ahead, and Django notices nothing of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.apps.registry import Apps
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.migration import Migration
from django.db.migrations.optimizer import MigrationOptimizer
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter, OperationWriter

from crasme.kit.append_only import append_only
from crasme.kit.ids import uuid7
from crasme.kit.partitions import (
    CreatePartitionedModel,
    Partition,
    PartitionError,
    ensure_months,
    existing,
    partition_name,
)
from tests.kit.models import Job, Reading

pytestmark = [pytest.mark.usefixtures("kit_tables"), pytest.mark.django_db]
TABLE = "kit_reading"
NOVEMBER, JANUARY = date(2026, 11, 22), date(2027, 1, 3)


def operation() -> CreatePartitionedModel:
    state = ModelState.from_model(Reading)
    return CreatePartitionedModel(
        "Reading", [(name, field.clone()) for name, field in state.fields.items()], "taken_at", options=state.options
    )


def apply(*operations: migrations.operations.base.Operation) -> ProjectState:
    project = ProjectState()
    project.add_model(ModelState.from_model(Job))
    migration = Migration("0001_initial", "kit")
    migration.operations = list(operations)
    with connection.schema_editor(atomic=False) as editor:
        return migration.apply(project, editor)


@pytest.fixture
def partitioned(db: None) -> ProjectState:
    return apply(operation())


def query(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def test_months_are_made_with_bounds_in_utc(partitioned) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Pacific/Apia'")
        made = ensure_months(connection, TABLE, NOVEMBER, JANUARY)
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
    assert made == ["kit_reading_y2026m11", "kit_reading_y2026m12", "kit_reading_y2027m01"]
    assert existing(connection, TABLE) == [
        Partition(name, datetime(*lower, 1, tzinfo=UTC), datetime(*upper, 1, tzinfo=UTC), 0)
        for name, lower, upper in zip(
            made, [(2026, 11), (2026, 12), (2027, 1)], [(2026, 12), (2027, 1), (2027, 2)], strict=True
        )
    ]


def test_making_them_again_makes_only_what_is_missing(partitioned) -> None:
    ensure_months(connection, TABLE, JANUARY, JANUARY)
    assert ensure_months(connection, TABLE, NOVEMBER, JANUARY) == ["kit_reading_y2026m11", "kit_reading_y2026m12"]
    assert ensure_months(connection, TABLE, NOVEMBER, JANUARY) == []


def test_rows_go_into_their_month_to_the_microsecond(partitioned) -> None:
    ensure_months(connection, TABLE, NOVEMBER, JANUARY)
    last = datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC)
    Reading.objects.create(taken_at=last, kind="a")
    Reading.objects.create(taken_at=datetime(2026, 12, 1, tzinfo=UTC), kind="a")
    assert query("SELECT tableoid::regclass::text FROM kit_reading ORDER BY taken_at") == [
        ("kit_reading_y2026m11",),
        ("kit_reading_y2026m12",),
    ]
    assert Reading.objects.filter(taken_at__lt=datetime(2026, 12, 1, tzinfo=UTC)).get().taken_at == last


def test_a_month_without_partition_refuses_rows(partitioned) -> None:
    ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    with pytest.raises(IntegrityError, match="no partition"):
        Reading.objects.create(taken_at=datetime(2027, 5, 1, tzinfo=UTC), kind="a")


def test_keys_indexes_checks_defaults_and_foreign_keys_reach_every_partition(partitioned) -> None:
    (name,) = ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    taken = datetime(2026, 11, 22, tzinfo=UTC)
    for table in (TABLE, name):
        constraints = connection.introspection.get_constraints(connection.cursor(), table)
        keys = [each["columns"] for each in constraints.values() if each["primary_key"]]
        assert keys == [["id", "taken_at"]]
        indexed = [each["columns"] for each in constraints.values() if each["index"]]
        assert ["kind", "taken_at"] in indexed
        assert ["kind"] in indexed
        assert ["job_id"] in indexed
        assert [each["foreign_key"] for each in constraints.values() if each["foreign_key"]] == [("kit_job", "id")]
        assert "kit_reading_number" in constraints
    first = Reading.objects.create(taken_at=taken, kind="a")
    wrong = [
        {"taken_at": taken, "kind": "a"},
        {"taken_at": taken, "kind": "b", "number": -1},
        {"taken_at": taken, "kind": "b", "pk": first.pk, "force_insert": True},
        {"taken_at": taken, "kind": "b", "period": "soon"},
    ]
    for fields in wrong:
        forced = fields.pop("force_insert", False)
        with pytest.raises(IntegrityError), transaction.atomic():
            Reading(**fields).save(force_insert=bool(forced))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {name} (id, taken_at, kind, period) VALUES (%s, %s, 'c', 'P1D') RETURNING number",
            [uuid7(), taken],
        )
        assert cursor.fetchone() == (7,)


def test_the_autodetector_sees_no_difference(partitioned) -> None:
    plain = ProjectState()
    plain.add_model(ModelState.from_model(Job))
    plain.add_model(ModelState.from_model(Reading))
    changes = MigrationAutodetector(partitioned, plain, MigrationQuestioner({}))._detect_changes()
    assert changes == {}


def test_the_migration_can_be_written_and_read_again() -> None:
    text, imports = OperationWriter(operation(), indentation=0).serialize()
    assert "import crasme.kit.partitions" in imports
    assert "column='taken_at'" in text
    migration = type("Migration", (Migration,), {"operations": [operation()]})("0001_initial", "kit")
    namespace: dict[str, object] = {}
    exec(compile(MigrationWriter(migration).as_string(), "0001_initial.py", "exec"), namespace)  # noqa: S102
    (again,) = namespace["Migration"].operations
    assert isinstance(again, CreatePartitionedModel)
    assert again.deconstruct()[2]["column"] == "taken_at"


def test_squashing_keeps_the_partitioning() -> None:
    for later in (
        migrations.AddField("Reading", "colour", models.CharField(max_length=9, default="")),
        migrations.AlterModelOptions("Reading", {"ordering": ["taken_at"]}),
    ):
        squashed = MigrationOptimizer().optimize([operation(), later], "kit")
        assert [type(each) for each in squashed] == [CreatePartitionedModel, type(later)]
    assert MigrationOptimizer().optimize([operation(), migrations.DeleteModel("Reading")], "kit") == []


def test_the_migration_can_be_undone(partitioned) -> None:
    ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    before = ProjectState()
    before.add_model(ModelState.from_model(Job))
    with connection.schema_editor(atomic=False) as editor:
        operation().database_backwards("kit", editor, partitioned, before)
    assert query("SELECT to_regclass('kit_reading'), to_regclass('kit_reading_y2026m11')") == [(None, None)]


def test_a_default_partition_is_refused(partitioned) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kit_reading_rest PARTITION OF kit_reading DEFAULT")
    for act in (lambda: existing(connection, TABLE), lambda: ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)):
        with pytest.raises(PartitionError, match="DEFAULT"):
            act()


@pytest.mark.parametrize("table", ["kit_job", "no_such_table", 'kit"; DROP TABLE kit_job; --'])
def test_a_table_without_partitions_is_refused(table: str) -> None:
    with pytest.raises(PartitionError, match="not partitioned"):
        ensure_months(connection, table, NOVEMBER, NOVEMBER)


def test_a_detached_month_is_not_made_anew_beside_its_rest(partitioned) -> None:
    (name,) = ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE kit_reading DETACH PARTITION {name}")
    with pytest.raises(PartitionError, match="detached"):
        ensure_months(connection, TABLE, NOVEMBER, JANUARY)
    assert existing(connection, TABLE) == []


def test_a_month_inside_wider_bounds_is_left_alone(partitioned) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kit_reading_old PARTITION OF kit_reading"
            " FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-12-01 00:00+00')"
        )
    assert ensure_months(connection, TABLE, NOVEMBER, JANUARY) == ["kit_reading_y2026m12", "kit_reading_y2027m01"]
    assert existing(connection, TABLE)[0].name == "kit_reading_old"


def test_an_open_end_is_refused(partitioned) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kit_reading_old PARTITION OF kit_reading"
            " FOR VALUES FROM (MINVALUE) TO ('2026-01-01 00:00+00')"
        )
    with pytest.raises(PartitionError, match="kit_reading_old"):
        existing(connection, TABLE)


def test_append_only_reaches_the_partitions_truncate_included(partitioned) -> None:
    with connection.cursor() as cursor:
        cursor.execute(append_only(TABLE).sql)
    (name,) = ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    Reading.objects.create(taken_at=datetime(2026, 11, 22, tzinfo=UTC), kind="a")
    connection.check_constraints()  # a pending check of the foreign key would refuse the TRUNCATE first
    for statement in (f"TRUNCATE {name}", f"DELETE FROM {name}", f"UPDATE {name} SET kind = 'b'", f"TRUNCATE {TABLE}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Reading.objects.count() == 1


def test_estimates_follow_the_statistics(partitioned) -> None:
    (name,) = ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    Reading.objects.bulk_create(
        Reading(taken_at=datetime(2026, 11, 22, 0, 0, second, tzinfo=UTC), kind="a") for second in range(30)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {name}")
    assert [each.rows_estimate for each in existing(connection, TABLE)] == [30]


def test_names_that_postgresql_would_cut_are_refused() -> None:
    assert partition_name("crm_usageevent", NOVEMBER) == "crm_usageevent_y2026m11"
    assert len(partition_name("x" * 54, NOVEMBER)) == 63
    with pytest.raises(PartitionError, match="too long"):
        partition_name("x" * 55, NOVEMBER)


def unfit(**changes: object) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": "kit", "apps": Apps(), **changes.pop("meta", {})})
    fields = {"at": models.DateTimeField(), "name": models.CharField(max_length=9), **changes}
    return type("Unfit", (models.Model,), {**fields, "Meta": meta, "__module__": __name__})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": models.CharField(max_length=9, unique=True)}, "unique"),
        ({"meta": {"unique_together": {("name",)}}}, "unique"),
        ({"meta": {"constraints": [models.UniqueConstraint(fields=["name"], name="once")]}}, "unique"),
        ({"at": models.DateTimeField(null=True)}, "never null"),
        ({"at": models.DateField()}, "DateTimeField"),
        ({"meta": {"db_tablespace": "fast"}}, "table space"),
    ],
)
def test_a_model_that_cannot_be_partitioned_is_refused_in_words(changes: dict[str, object], match: str) -> None:
    state = ModelState.from_model(unfit(**changes))
    with pytest.raises(PartitionError, match=match):
        apply(CreatePartitionedModel("Unfit", list(state.fields.items()), "at", options=state.options))


def test_a_serial_key_is_fine_too() -> None:
    model = unfit()
    state = ModelState.from_model(model)
    apply(CreatePartitionedModel("Unfit", list(state.fields.items()), "at", options=state.options))
    ensure_months(connection, "kit_unfit", NOVEMBER, NOVEMBER)
    rows = [model.objects.create(at=datetime(2026, 11, day, tzinfo=UTC), name="a").pk for day in (1, 2)]
    assert len(set(rows)) == 2


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    apply(operation())
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE kit_reading")


@pytest.mark.django_db(transaction=True)
def test_several_at_once_make_each_month_once_and_stop_no_writer(committed) -> None:
    ensure_months(connection, TABLE, NOVEMBER, NOVEMBER)
    start = threading.Barrier(4)

    def work(_number: int) -> list[str]:
        try:
            start.wait(timeout=20)
            return ensure_months(connection, TABLE, NOVEMBER, date(2027, 6, 1))
        finally:
            connection.close()

    # A writer in the middle of its transaction: attaching must not wait for it, nor it for attaching.
    with ThreadPoolExecutor(4) as pool, transaction.atomic():
        Reading.objects.create(taken_at=datetime(2026, 11, 22, tzinfo=UTC), kind="a")
        made = [name for names in pool.map(work, range(4), timeout=20) for name in names]
        Reading.objects.create(taken_at=datetime(2026, 11, 23, tzinfo=UTC), kind="a")
    assert sorted(made) == [
        partition_name(TABLE, date(y, m, 1)) for y, m in [(2026, 12), *((2027, m) for m in range(1, 7))]
    ]
    assert len(existing(connection, TABLE)) == 8
