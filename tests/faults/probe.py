"""Reads whatever table it is told to read, and says what happened. Run as a process of its own.

One JSON line in, one JSON line out: {"uri": ...} gives {"rows": n}, or {"error": class, "bases":
[...], "message": ...}, or {"unsound": why} when it gave data that Arrow calls invalid. A crash ends
the process, which is what the caller looks for. Memory is capped, so that a table that asks for an
absurd allocation is found too.
"""

import json
import resource
import sys

import pyarrow as pa

import pilum

MEMORY_LIMIT = 6 << 30  # of address space, most of which is reserved by libraries and never touched


class UnsoundError(Exception):
    """Data that would crash or mislead whoever computes with it."""


def check_rows(rows: int, expected: int, what: str) -> None:
    if rows != expected:
        raise UnsoundError(f"{what} gave {rows} rows, not {expected}")


def check_sound(table: pa.Table) -> None:
    """Offsets, lengths and dictionary keys must be right whatever was on disk. Characters and
    digits are values: wrong ones come out as they lie in the file."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        if "UTF8" not in str(error) and "precision" not in str(error):
            raise UnsoundError(str(error)) from None


def read_everything(uri: str, version: int | None) -> int:
    dataset = pilum.dataset(uri, version=version)
    table = dataset.to_table(with_row_id=True, with_row_address=True)
    check_sound(table)
    rows = dataset.count_rows()
    check_rows(table.num_rows, rows, "a scan")
    if rows:
        taken = dataset.take([rows - 1, 0, rows // 2])
        check_rows(taken.num_rows, 3, "a take of 3 rows")
        check_sound(taken)
    for tag in dataset.tags.list():
        dataset.checkout_version(tag).count_rows()
    return table.num_rows


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"rows": read_everything(request["uri"], request.get("version"))}
        except UnsoundError as error:
            answer = {"unsound": str(error)}
        except BaseException as error:
            bases = [base.__name__ for base in type(error).__mro__]
            answer = {"error": type(error).__name__, "bases": bases, "message": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
