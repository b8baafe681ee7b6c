"""The sides of sizes.py, with either interpreter. Each prints one line of JSON, by table.

size_worker.py read TABLES FOLDER             (reference library) the rows of each table, to
                                              FOLDER/NAME.arrow; TABLES is JSON, paths by name
size_worker.py write LIBRARY FOLDER VERSION   FOLDER/VERSION/LIBRARY/NAME.lance of each of these;
                                              bytes in its data folder, or the error
size_worker.py sample FOLDER                  (reference library) rows of what was written, as
                                              text
size_worker.py columns FOLDER                 (pilum) the stored columns of what was written
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import pyarrow as pa

from worker import bytes_in

SAMPLE = 200  # rows
# The files align to 8 bytes; Arrow in Rust wants 16 for decimals.
ALIGNED = pa.ipc.IpcReadOptions(ensure_alignment=pa.ipc.Alignment.At64Byte)


def read(tables: dict[str, str], folder: pathlib.Path) -> dict[str, str]:
    import lance

    errors = {}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, uri in tables.items():
        try:
            rows = lance.dataset(uri).to_table(blob_handling="all_binary").unify_dictionaries()
        except Exception as error:
            errors[name] = str(error)
            continue
        with pa.ipc.new_file(folder / f"{name}.arrow", rows.schema) as sink:
            sink.write_table(rows)
    return errors


def write(library: str, folder: pathlib.Path, version: str) -> dict[str, int | str]:
    if library == "pilum":
        from pilum import write_dataset
    else:
        from lance import write_dataset
    sizes = {}
    for source in sorted(folder.glob("*.arrow")):
        path = folder / version / library / f"{source.stem}.lance"
        path.parent.mkdir(parents=True, exist_ok=True)
        with pa.memory_map(str(source)) as file:
            rows = pa.ipc.open_file(file, options=ALIGNED).read_all()
            try:
                write_dataset(rows, str(path), data_storage_version=version)
                sizes[source.stem] = bytes_in(path / "data")
            except Exception as error:
                shutil.rmtree(path, ignore_errors=True)
                sizes[source.stem] = str(error)
    return sizes


def written(folder: pathlib.Path) -> dict[str, str]:
    """Paths of the tables, by their place in the folder."""
    return {str(path.relative_to(folder)): str(path) for path in folder.glob("*/*/*.lance")}


def taken(dataset, rows: int, chosen: list[int]) -> pa.Table:
    """The chosen rows. Only a scan gives blobs as they are, which no large table has."""
    if rows > 10_000:
        return dataset.take(chosen)
    return dataset.scanner(blob_handling="all_binary").to_table().take(chosen)


def sample(folder: pathlib.Path) -> dict[str, str]:
    """The number of rows, and some of them. As text, where NaN is the same as NaN."""
    import lance

    found = {}
    for name, uri in written(folder).items():
        dataset = lance.dataset(uri)
        rows = dataset.count_rows()
        chosen = np.unique(np.linspace(0, rows, SAMPLE, endpoint=False, dtype=np.int64)).tolist()
        try:
            values = taken(dataset, rows, chosen).columns if rows else []
        except Exception as error:  # of the library that wrote it, in one case
            found[name] = f"unreadable: {error}"
            continue
        text = [column.to_string(window=SAMPLE, container_window=SAMPLE) for column in values]
        found[name] = f"{rows} rows: {text}"
    return found


def columns(folder: pathlib.Path) -> dict[str, list]:
    """Path, stored bytes and encodings of each."""
    import pilum
    from pilum.column_size import describe_columns

    return {
        name: [
            [column.report.path, column.report.stored_bytes, column.encodings]
            for column in describe_columns(pilum.dataset(uri))
        ]
        for name, uri in written(folder).items()
    }


def main() -> None:
    what, *arguments = sys.argv[1:]
    if what == "read":
        done = read(json.loads(arguments[0]), pathlib.Path(arguments[1]))
    elif what == "write":
        done = write(arguments[0], pathlib.Path(arguments[1]), arguments[2])
    else:
        done = {"sample": sample, "columns": columns}[what](pathlib.Path(arguments[0]))
    print(json.dumps(done))


if __name__ == "__main__":
    main()
