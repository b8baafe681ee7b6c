"""What making Python objects of rows costs, beside pyarrow.

    .venv/bin/python bench/rows_to_python.py

Batches of four columns of one type become dicts, which are freed again: all together, or one by
one, as streams deliver them. Times are per value of a column, with its share of the dict, and
include collecting garbage. `to_pylist` is pyarrow's. The plain loop is C that makes dicts of four
int64 from arrays without nulls, all together: what is left where types decide nothing. The ways
alternate.
"""

import argparse
import ctypes
import pathlib
import statistics
import subprocess
import sysconfig
import tempfile
import time
from collections import deque
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from pilum import _pilum

NAMES = ("a", "b", "c", "d")
ROWS = 1024
PLAIN_LOOP = """
#include <Python.h>
PyObject *rows(PyObject *names, const long long *values, Py_ssize_t count) {
  PyObject *list = PyList_New(count);
  for (Py_ssize_t row = 0; row < count; ++row) {
    PyObject *dict = PyDict_New();
    for (Py_ssize_t column = 0; column < PyTuple_GET_SIZE(names); ++column) {
      PyObject *value = PyLong_FromLongLong(values[column * count + row]);
      PyDict_SetItem(dict, PyTuple_GET_ITEM(names, column), value);
      Py_DECREF(value);
    }
    PyList_SET_ITEM(list, row, dict);
  }
  return list;
}
"""


def columns() -> dict[str, pa.Array]:
    random = np.random.default_rng(1)
    numbers = random.integers(0, 1 << 40, ROWS)
    floats = random.random(8 * ROWS, np.float32)
    return {
        "int64": pa.array(numbers),
        "float32": pa.array(floats[:ROWS]),
        "bool": pa.array(numbers % 2 == 0),
        "string of 10": pa.array([f"{n:010.10}" for n in map(str, numbers)]),
        "binary of 20 KB": pa.array([random.bytes(20_000) for _ in range(16)]),
        "8 float32": pa.FixedSizeListArray.from_arrays(pa.array(floats), 8),
        "struct of 2": pa.StructArray.from_arrays([numbers, floats[:ROWS]], ["x", "y"]),
        "int64, half null": pa.array(numbers, mask=numbers % 2 == 0),
    }


def plain_loop(values: np.ndarray) -> Callable[[], object]:
    """Of a row of values for each column."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = pathlib.Path(folder, "rows.c"), pathlib.Path(folder, "rows.so")
        source.write_text(PLAIN_LOOP)
        include = f"-I{sysconfig.get_paths()['include']}"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", include, source, "-o", library], check=True
        )
        rows = ctypes.PyDLL(library).rows
    rows.restype = ctypes.py_object
    rows.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t]
    return lambda: rows(NAMES, values.ctypes.data, values.shape[1])


def nanoseconds(way: Callable[[], object], values: int) -> float:
    """Per value, repeated for about 20 ms."""
    repeats, started = 0, time.perf_counter_ns()
    while (passed := time.perf_counter_ns() - started) < 20e6:
        way()
        repeats += 1
    return passed / repeats / values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(
        f"{'ns per value':<18} {'one by one':>10} {'together':>10} {'to_pylist':>10} {'ratio':>8}"
        f" {'plain loop':>11}"
    )
    for name, column in columns().items():
        batch = pa.record_batch([column] * len(NAMES), names=NAMES)
        ways = {"together": lambda: _pilum.to_rows(batch), "to_pylist": batch.to_pylist}  # noqa: B023
        if name == "int64":
            ways["plain"] = plain_loop(np.tile(column.to_numpy(), (len(NAMES), 1)))
        assert all(way() == batch.to_pylist() for way in ways.values())
        ways["alone"] = lambda: deque(_pilum.RowIterator(batch), maxlen=0)  # noqa: B023
        times = {way: [] for way in ways}
        for _ in range(rounds):
            for way, make in ways.items():
                times[way].append(nanoseconds(make, len(NAMES) * len(column)))
        middle = {way: statistics.median(measured) for way, measured in times.items()}
        ratios = [
            theirs / own for own, theirs in zip(times["alone"], times["to_pylist"], strict=True)
        ]
        plain = f"{middle['plain']:11.1f}" if "plain" in middle else ""
        print(
            f"{name:<18} {middle['alone']:>10.1f} {middle['together']:>10.1f}"
            f" {middle['to_pylist']:>10.1f} {statistics.median(ratios):>7.1f}x {plain}"
        )


if __name__ == "__main__":
    main()
