"""Starts something that takes minutes, says so, and waits to be interrupted.

    python long_scan.py TABLE WHAT

WHAT is a key of LONG. Prints "started", then "interrupted" when it was.
"""

import sys

import pilum

# Nothing matches, and finding that out takes a while for every row.
SLOW = " OR ".join(f"regexp_match(CAST(label AS string), '^[{i}a]+x(b|c)*$')" for i in range(1000))

LONG = {
    "iteration": lambda dataset: list(dataset.to_batches(filter=SLOW)),
    "to_table": lambda dataset: dataset.to_table(filter=SLOW),
    "count_rows": lambda dataset: dataset.count_rows(SLOW),
    "reader": lambda dataset: dataset.scanner(filter=SLOW).to_reader().read_all(),
    "verify": lambda dataset: [dataset.verify() for _ in range(1000)],
}


def main() -> None:
    dataset = pilum.dataset(sys.argv[1])
    print("started", flush=True)
    try:
        LONG[sys.argv[2]](dataset)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise


if __name__ == "__main__":
    main()
