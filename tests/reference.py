"""Tables written by the reference library, with what it reads back from them.

A folder of such tables holds manifest.json, and per table NAME/dataset.lance, NAME/expected.arrow
(all rows in storage order, with _rowid and _rowaddr) and expected files of older versions.
"""

import dataclasses
import functools
import json
import os
import pathlib

import pyarrow as pa

GOLDEN = pathlib.Path(__file__).parent / "data" / "golden"
DIGITS = pathlib.Path(__file__).parent.parent / "examples" / "data" / "digits.lance"
ROW_KEYS = ["_rowid", "_rowaddr"]


@dataclasses.dataclass(frozen=True)
class ReferenceTable:
    """One of them. `about` is its entry in the listing."""

    folder: pathlib.Path
    about: dict

    @property
    def name(self) -> str:
        return self.about["name"]

    @property
    def uri(self) -> str:
        return str(self.folder / "dataset.lance")

    @property
    def refused(self) -> bool:
        """Whether the storage version is one that pilum does not read."""
        return self.about["storage_version"] in ("0.1", "2.3")

    @property
    def rows(self) -> pa.Table:
        """The latest version, without row ids and addresses."""
        return self.expected().drop_columns(ROW_KEYS)

    def expected(self, file: str = "expected.arrow") -> pa.Table:
        return _read(self.folder / file)

    def tags(self) -> dict[str, int]:
        return {tag: v for tag, v in self.about.get("tags", {}).items() if v is not None}

    def __str__(self) -> str:
        return self.name


@functools.lru_cache(maxsize=4)
def _read(path: pathlib.Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as source:
        return pa.ipc.open_file(source).read_all()


def tables_in(folder: pathlib.Path) -> list[ReferenceTable]:
    listing = json.loads((folder / "manifest.json").read_text())
    return [ReferenceTable(folder / entry["name"], entry) for entry in listing["datasets"]]


def golden(name: str) -> ReferenceTable:
    return next(table for table in tables_in(GOLDEN) if table.name == name)


def all_tables() -> list[ReferenceTable]:
    """The golden tables, and those of PILUM_CORPUS where it is set."""
    corpus = os.environ.get("PILUM_CORPUS")
    return tables_in(GOLDEN) + (tables_in(pathlib.Path(corpus)) if corpus else [])
