#!/usr/bin/env python3
"""Streams of samples, side by side: pilum, LanceDB, and the other libraries users stream with.

    .venv/bin/python bench/peers/streaming.py --peer-python build/reference/bin/python \
        --others-python build/others/bin/python

All interpreters need torch; the last is made by `pip install torch==2.13.0 pylance==14.0.2
mosaicml-streaming==0.13.0 litdata==0.2.76 webdataset==1.0.2 datasets==5.0.1 grain==0.2.18
array_record==0.8.6`. Every measurement is a fresh process, which makes shuffled streams, one for an
epoch, and takes samples from them, dicts, for 8 s; `batches` are tensors of 1,024 samples.
The table shows medians over the rounds. pilum and `lancedb` run at their defaults, `lancedb-best`
reads 1,024 rows at a time, 8 times ahead; the others are set as other_streams.py says. Their
shuffles differ: lancedb, hf-map and grain permute all rows as pilum does, litdata chunks and the
rows inside, mosaic blocks of rows, webdataset and hf-iterable shards and a buffer of 1,000 rows.

"first" is from making the stream to its first item. The page cache is warm; memory is the peak
beyond that of the open data, with the pages of files that are mapped. Data is that of read.py, for
`rows` the floats of its first million rows; what it becomes in other formats is 6 GB.
"""

import argparse

from other_streams import OTHERS
from side_by_side import (
    HERE,
    add_options,
    compile_floor,
    in_rounds,
    make_once,
    medians,
    megabytes,
    milliseconds,
    print_table,
    run,
    speed,
    times,
    write_json,
)
from streaming_worker import CASES, FLOORS

WORKER = HERE / "streaming_worker.py"
LANCE = ["pilum", "lancedb", "lancedb-best"]
LIBRARIES = [*LANCE, *OTHERS, *FLOORS]
LIBRARIES_OF = {
    "rows": [*LANCE, *OTHERS],
    "rows-48-splits": LANCE,
    "images": LIBRARIES,
    "batches": ["pilum", "lancedb-best", *OTHERS],
}
COLUMNS = {
    "samples/s": lambda row: f"{1 / row['s']:,.0f}",
    "first": milliseconds("first_s"),
    "memory": megabytes("memory_mb"),
    "pilum is x": times("pilum_is"),
}


def make(options: argparse.Namespace) -> None:
    folder, scale = options.data, options.scale
    make_once(folder, scale, options.peer_python, HERE / "worker.py")
    make_once(folder / "streams", scale, options.peer_python, WORKER)
    for name in dict.fromkeys(OTHERS[n].format for n in options.libraries if n in OTHERS):
        made = folder / "streams" / name
        make_once(made, scale, options.others_python, HERE / "other_streams.py")
    compile_floor(folder)


def measure(options: argparse.Namespace) -> list[dict]:
    pythons = dict.fromkeys(["pilum", *FLOORS], options.python)
    pythons |= dict.fromkeys(["lancedb", "lancedb-best"], options.peer_python)
    pythons |= dict.fromkeys(OTHERS, options.others_python)

    def once(library: str, case: str, _round: int) -> dict:
        return run(pythons[library], WORKER, library, case, options.data)

    cases = {
        case: [name for name in LIBRARIES_OF[case] if name in options.libraries]
        for case in options.cases
    }
    return in_rounds(options.rounds, cases, once)


def summary(results: list[dict]) -> list[dict]:
    rows = medians(results, "s", "first_s", "memory_mb")
    for row in rows:
        row["pilum_is"] = speed(results, row["case"], "pilum", row["library"], "s")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("--others-python", help=f"a Python with what {', '.join(OTHERS)} need")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    options = parser.parse_args()
    if not options.others_python:
        options.libraries = [name for name in options.libraries if name not in OTHERS]
        print(f"without --others-python these are left out: {', '.join(OTHERS)}")

    make(options)
    results = measure(options)
    rows = summary(results)
    print_table(rows, COLUMNS)
    write_json(options.json, options.scale, summary=rows, measurements=results)


if __name__ == "__main__":
    main()
