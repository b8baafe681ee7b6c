"""Both libraries take turns changing one table, and agree with a plain model of it after each step.

A few examples are part of the tests; PILUM_INTEROP_EXAMPLES asks for as many as it says, of more
steps each.
"""

import datetime
import itertools
import os
import pathlib

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import pilum
from equality import assert_same_table

pytestmark = pytest.mark.peer

EXAMPLES = int(os.environ.get("PILUM_INTEROP_EXAMPLES", "5"))
STEPS = 30 if EXAMPLES <= 5 else 60

SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "text": pa.string(),
        "values": pa.list_(pa.int32()),
        "place": pa.struct({"x": pa.float64(), "name": pa.string()}),
    }
)
TEXTS = st.none() | st.sampled_from(["", "red", "blue", "a longer text than the others"])
CONTENTS = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "values": st.none() | st.lists(st.none() | st.integers(-5, 10**6), max_size=4),
        "place": st.none()
        | st.fixed_dictionaries(
            {"x": st.none() | st.sampled_from([0.0, -1.5, 1e300]), "name": TEXTS}
        ),
    }
)
SOME_ROWS = st.lists(CONTENTS, min_size=1, max_size=25)
LIBRARIES = st.sampled_from(["pilum", "reference"])


def parts_of(modulus: int, rest: int):
    return f"id % {modulus} = {rest}", lambda row: row["id"] % modulus == rest


def up_to(most: int):
    return f"id <= {most}", lambda row: row["id"] <= most


def with_text(text: str | None):
    condition = "text IS NULL" if text is None else f"text = '{text}'"
    return condition, lambda row: row["text"] == text


# A condition in SQL, and what it means.
CONDITIONS = st.one_of(
    st.integers(2, 9).flatmap(lambda n: st.builds(parts_of, st.just(n), st.integers(0, n - 1))),
    st.builds(up_to, st.integers(-1, 60)),
    st.builds(with_text, TEXTS),
)


class Turns(RuleBasedStateMachine):
    """`content`, the rows by their ids, is what the newest version should hold."""

    reference = None  #: of the fixture
    folder: pathlib.Path  #: of the test
    numbers = itertools.count()

    def __init__(self):
        super().__init__()
        self.uri = str(self.folder / f"{next(self.numbers)}.lance")
        self.ids = itertools.count()
        self.content: dict[int, dict] = {}
        self.history: dict[int, dict[int, dict]] = {}  # contents by version
        self.tags: dict[str, int] = {}

    # ---------------------------------------------------------------------------------- helpers
    def ask(self, operation, **arguments) -> dict:
        return self.reference.ask(
            turn=self.folder / "turn", uri=self.uri, operation=operation, **arguments
        )

    def write(self, library, contents, mode, **options):
        """Rows with new ids."""
        rows = [{"id": next(self.ids), **content} for content in contents]
        table = pa.Table.from_pylist(rows, SCHEMA)
        if library == "pilum":
            pilum.write_dataset(table, self.uri, mode=mode, **options)
        else:
            path = self.folder / "rows.arrow"
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, SCHEMA) as writer:
                writer.write_table(table)
            self.ask("write", rows=path, mode=mode, **options)
        kept = self.content if mode == "append" else {}
        self.content = kept | {row["id"]: row for row in rows}

    # ------------------------------------------------------------------------------------ steps
    @initialize(
        contents=SOME_ROWS,
        storage=st.sampled_from(["2.1", "2.2"]),
        made=st.sampled_from(["pilum", "reference", "names of V1", "stable row ids"]),
    )
    def create(self, contents, storage, made):
        options = {"data_storage_version": storage, "max_rows_per_file": 10}
        if made == "names of V1":
            options["enable_v2_manifest_paths"] = False
        if made == "stable row ids":
            options["enable_stable_row_ids"] = True
        self.write("pilum" if made == "pilum" else "reference", contents, "create", **options)
        self.handle = pilum.dataset(self.uri)  # stays open for all that follows

    @rule(library=LIBRARIES, contents=SOME_ROWS)
    def append(self, library, contents):
        self.write(library, contents, "append", max_rows_per_file=10)

    @rule(library=LIBRARIES, condition=CONDITIONS)
    def delete(self, library, condition):
        where, meant = condition
        if library == "pilum":
            self.handle.delete(where)
        else:
            self.ask("delete", where=where)
        self.content = {id: row for id, row in self.content.items() if not meant(row)}

    @rule(library=LIBRARIES, condition=CONDITIONS, text=TEXTS)
    def update(self, library, condition, text):
        where, meant = condition
        updates = {"text": "NULL" if text is None else f"'{text}'"}
        if library == "pilum":
            self.handle.update(updates, where)
        else:
            self.ask("update", where=where, updates=updates)
        self.content = {
            id: {**row, "text": text} if meant(row) else row for id, row in self.content.items()
        }

    @rule(library=LIBRARIES, rows=st.sampled_from([5, 20, 1000]))
    def compact(self, library, rows):
        if library == "pilum":
            self.handle.optimize.compact_files(target_rows_per_fragment=rows)
        else:
            self.ask("compact", rows=rows)

    @rule(library=LIBRARIES, data=st.data())
    def restore(self, library, data):
        version = data.draw(st.sampled_from(sorted(self.history)), "version")
        if library == "pilum":
            self.handle.checkout_version(version).restore()
        else:
            self.ask("restore", version=version)
        self.content = self.history[version]

    @rule(library=LIBRARIES, data=st.data())
    def tag(self, library, data):
        version = data.draw(st.sampled_from(sorted(self.history)), "version")
        name = f"tag{len(self.tags)}" if len(self.tags) < 3 else "tag0"
        if name in self.tags:
            self.untag(library, name)
        if library == "pilum":
            self.handle.tags.create(name, version)
        else:
            self.ask("tag", name=name, version=version)
        self.tags[name] = version

    def untag(self, library, name):
        if library == "pilum":
            self.handle.tags.delete(name)
        else:
            self.ask("untag", name=name)

    @rule(library=LIBRARIES)
    def cleanup(self, library):
        newest = max(self.history)
        if library == "pilum":
            self.handle.cleanup_old_versions(datetime.timedelta(0))
        else:
            self.ask("cleanup")
        kept = {newest, *self.tags.values()}
        self.history = {v: content for v, content in self.history.items() if v in kept}
        assert {version["version"] for version in self.handle.versions()} == kept

    @precondition(lambda self: len(self.history) > 10)  # rarely, because nothing is left after it
    @rule(library=LIBRARIES, contents=SOME_ROWS)
    def overwrite(self, library, contents):
        self.write(library, contents, "overwrite", max_rows_per_file=10)

    @rule(data=st.data())
    def look_back(self, data):
        version = data.draw(st.sampled_from(sorted(self.history)), "version")
        self.compare(self.handle.checkout_version(version), version, self.history[version])

    # ------------------------------------------------------------------------------------ checks
    @invariant()
    def both_read_the_model(self):
        newest = pilum.dataset(self.uri)
        versions = self.compare(newest, None, self.content)
        assert versions == [version["version"] for version in newest.versions()]
        assert set(self.history) <= set(versions)
        for version in versions:  # compaction by pilum makes two
            self.history.setdefault(version, self.content)
        assert newest.verify().damages == []
        assert {name: tag["version"] for name, tag in newest.tags.list().items()} == self.tags

    def compare(self, ours, version, content) -> list[int]:
        """One version in both libraries, order, row ids and addresses included."""
        table = ours.to_table(with_row_id=True, with_row_address=True)
        answer = self.ask("look", version=version)
        assert_same_table(table, answer["expected"]["rows"], f"version {ours.version}")
        rows = table.select(SCHEMA.names).to_pylist()
        assert len(rows) == len(content) == ours.count_rows()
        assert {row["id"]: row for row in rows} == content
        return answer["versions"]


def test_both_libraries_take_turns(reference_library, tmp_path):
    class OnThisTable(Turns):
        reference = reference_library
        folder = tmp_path

    run_state_machine_as_test(
        OnThisTable,
        settings=settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],  # a shorter example takes minutes to find
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
