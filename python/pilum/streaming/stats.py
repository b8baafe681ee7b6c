"""Where the time of a stream goes, and what the bottleneck is.

    reading ─► (transform, on threads) ─► making samples ─► the training loop

A stage waits for the one before it, or for the one behind it to make room. The bottleneck is the
one that the others wait for.
"""

from __future__ import annotations

import os
from typing import Any

from pilum.streaming.counters import (
    FROM_HERE,
    AllCounters,
    Counted,
    Field,
    Stage,
    dealt_to,
    workers_of,
)
from pilum.streaming.timing import quantile

Stats = dict[str, Any]


def make_stats(counters: AllCounters, find_rows_s: float) -> Stats:
    """See StreamingDataset.stats."""
    kind, processes = counters.kind, counters.of_last_pass()
    loop = processes[0] if kind <= 0 and processes else None
    makers = processes if kind >= 0 else processes[1:]
    waiting = _seconds(makers, Field.WAIT_NS)
    making = _seconds(makers, Field.MAKE_NS)
    elapsed = max((process.elapsed_ns for process in processes), default=0) / 1e9
    if loop is None:
        loop_waits, other = None, sum(p.elapsed_ns for p in makers) / 1e9 - waiting - making
    elif kind == FROM_HERE:
        loop_waits, other = waiting + making, 0.0
    else:
        loop_waits = loop[Field.WAIT_NS] / 1e9
        there = loop_waits if kind == dealt_to(0) else sum(p.elapsed_ns for p in makers) / 1e9
        other = there - waiting - making
    return {
        "elapsed_s": elapsed,
        "workers": workers_of(kind),
        "setup": {
            "find_rows_s": find_rows_s,
            "first_sample_s": max((p[Field.FIRST_NS] for p in processes), default=0) / 1e9,
        },
        "read": _read_stats(makers),
        "transform": _transform_stats(makers),
        "packing": _packing_stats(makers),
        "samples": {
            "wait_s": waiting,
            "busy_s": making,
            "other_s": max(0.0, other),
            **_quantiles(makers, Stage.WAIT),
        },
        "loop": {
            "rows": counters.total(Field.CONSUMED),
            "rows_ready": counters.waiting(Field.READY),
            "wait_s": loop_waits,
            "busy_s": None if loop_waits is None else max(0.0, elapsed - loop_waits),
            **_quantiles([] if loop is None else [loop], Stage.WAIT),
        },
    }


def _read_stats(readers: list[Counted]) -> Stats:
    total = sum(reader.elapsed_ns for reader in readers) / 1e9
    busy = _seconds(readers, Field.READ_NS)
    return {
        "busy_s": busy,
        "idle_s": max(0.0, total - busy),
        "store_s": _seconds(readers, Field.STORE_NS),
        "decode_s": _seconds(readers, Field.DECODE_NS),
        "rows": _sum(readers, Field.ROWS_READ),
        "decoded_bytes": _sum(readers, Field.DECODED_BYTES),
        "store_reads": _sum(readers, Field.STORE_READS),
        "store_bytes": _sum(readers, Field.STORE_BYTES),
        "wanted_bytes": _sum(readers, Field.WANTED_BYTES),
        **_quantiles(readers, Stage.READ),
    }


def _transform_stats(makers: list[Counted]) -> Stats | None:
    threads = _sum(makers, Field.THREADS)
    if not threads:
        return None
    return {
        "threads": threads,
        "busy_s": _seconds(makers, Field.WORK_NS),
        "cpu_s": _seconds(makers, Field.WORK_CPU_NS),
        "rows_wait_s": _seconds(makers, Field.ROWS_WAIT_NS),
        "room_wait_s": _seconds(makers, Field.ROOM_WAIT_NS),
        **_quantiles(makers, Stage.TRANSFORM),
    }


def _packing_stats(makers: list[Counted]) -> Stats | None:
    tokens, pad_tokens = _sum(makers, Field.TOKENS), _sum(makers, Field.PAD_TOKENS)
    if not tokens + pad_tokens:
        return None
    return {"tokens": tokens, "pad_tokens": pad_tokens, "rows": _sum(makers, Field.PACKED_ROWS)}


def _sum(processes: list[Counted], field: Field) -> int:
    return sum(process[field] for process in processes)


def _seconds(processes: list[Counted], field: Field) -> float:
    return _sum(processes, field) / 1e9


def _quantiles(processes: list[Counted], stage: Stage) -> Stats:
    counts = [sum(bucket) for bucket in zip(*(p.histogram(stage) for p in processes), strict=True)]
    return {"p50_s": quantile(counts, 0.5), "p99_s": quantile(counts, 0.99)}


# -------------------------------------------------------------------------------------- diagnosis
def diagnose(stats: Stats) -> str:
    """See StreamingDataset.diagnose."""
    elapsed, samples, loop = stats["elapsed_s"], stats["samples"], stats["loop"]
    if not stats["setup"]["first_sample_s"]:
        return "Nothing was delivered yet, so there is nothing to say."
    busy, processes = loop["busy_s"], max(1, stats["workers"])
    if busy is not None and busy >= elapsed / 2:
        return (
            f"The training loop is the bottleneck: it took {busy / elapsed:.0%} of {_s(elapsed)}, "
            f"and waited for samples {_s(elapsed - busy)}. The stream keeps up; there is nothing "
            "to change here."
        )
    shares = {
        _waiting: samples["wait_s"],
        _making: samples["busy_s"],
        _handing_over: samples["other_s"],
    }
    worst = max(shares, key=lambda verdict: shares[verdict])
    return worst(stats, shares[worst] / (elapsed * processes))


def _making(stats: Stats, share: float) -> str:
    what, fewer = "rows", "Ask for fewer columns, or"
    if stats["packing"] is not None:
        what, fewer = "blocks", "Unless you do,"
    return (
        f"Making samples of {what} is the bottleneck: it takes {share:.0%} of the time, on one "
        f"thread of each process. {fewer} have batches made of whole columns: "
        'StreamingDataLoader(stream, batch_size, format="torch").'
    )


def _handing_over(stats: Stats, share: float) -> str:
    if not stats["workers"]:
        return (
            f"Collating is the bottleneck: collate_fn and the DataLoader take {share:.0%} of the "
            "time. A format instead of collate_fn helps, and so do larger batches."
        )
    if stats["loop"]["busy_s"] is None:
        return (
            "The training loop, or handing batches over, is the bottleneck: worker processes spend "
            f"{share:.0%} of their time collating batches, sending them, and waiting for them to "
            "be taken. With a plain DataLoader nobody knows how long the training loop takes: a "
            "StreamingDataLoader says which of the two it is."
        )
    return (
        f"Handing batches over is the bottleneck: worker processes spend {share:.0%} of their time "
        "collating them, sending them, and waiting for them to be taken. Reading and transforms "
        "run on threads without worker processes, too: try num_workers=0."
    )


def _waiting(stats: Stats, share: float) -> str:
    """The thread that hands samples over waits for rows, or for transforms, or packs rows."""
    transform = stats["transform"]
    is_reading = stats["read"]["busy_s"] > stats["read"]["idle_s"]
    if transform is None:
        is_packing = stats["packing"] is not None and not is_reading
        return (_packing if is_packing else _reading)(stats, share)
    waits = transform["rows_wait_s"] / (stats["elapsed_s"] * max(1, stats["workers"]))
    # Threads also wait for the interpreter when they have rows, which is no fault of reading.
    return _reading(stats, waits) if waits >= 0.5 and is_reading else _transforming(stats, share)


def _transforming(stats: Stats, share: float) -> str:
    transform, processes = stats["transform"], max(1, stats["workers"])
    threads, cpus = transform["threads"] // processes, len(os.sched_getaffinity(0))
    at_once = transform["busy_s"] / (stats["elapsed_s"] * processes)
    on_cpu = transform["cpu_s"] / (stats["elapsed_s"] * processes)
    verdict = (
        f"The transform is the bottleneck: samples were waited for {share:.0%} of the time while "
        f"{at_once:.1f} of {threads} threads were in it, {_s(transform['p50_s'])} a call. "
    )
    if on_cpu < 0.5 * at_once and on_cpu < 0.7:
        return verdict + "It mostly sleeps or waits: raise transform_parallelism."
    if threads > 1 and on_cpu < 1.2 < at_once:
        return verdict + (
            "Together they use no more than one CPU: it holds the interpreter. Use functions that "
            "let go of it, as those of numpy and Arrow, or worker processes."
        )
    if threads < cpus:
        return verdict + f"Raise transform_parallelism: there are {cpus} CPUs."
    return verdict + "Make it cheaper, or store what it makes in the table."


def _packing(stats: Stats, share: float) -> str:
    read = stats["read"]
    idle = read["idle_s"] / (read["busy_s"] + read["idle_s"])
    return (
        f"Packing is the bottleneck: getting blocks took {share:.0%} of the time, while reading "
        f"was ahead of it, and idle {idle:.0%} of the time. It runs on one thread of each process: "
        "let worker processes of a plain DataLoader pack splits of their own, or store the blocks "
        "in a table."
    )


def _reading(stats: Stats, share: float) -> str:
    read, packs = stats["read"], stats["packing"] is not None
    waited = "blocks, and the rows they are made of," if packs else "rows"
    verdict = f"Reading is the bottleneck: {waited} were waited for {share:.0%} of the time. "
    if read["decode_s"] >= read["store_s"]:
        fewer = "Let" if packs else "Ask for fewer columns, or let"
        return verdict + (
            f"Decoding took {_s(read['decode_s'])} of CPU time, requests {_s(read['store_s'])}. "
            f"{fewer} neighbouring rows be read together: shuffle_clump_size."
        )
    count = max(1, read["store_reads"])
    verdict += (
        f"{read['store_reads']} requests of {_bytes(read['store_bytes'] / count)} took "
        f"{_s(read['store_s'])} together, decoding {_s(read['decode_s'])}"
    )
    used = read["wanted_bytes"] / max(1, read["store_bytes"])
    if used < 0.5:
        verdict += f"; {used:.0%} of the bytes were wanted"
    return verdict + (
        ". Let neighbouring rows be read together: shuffle_clump_size; or let more be under way: "
        "readahead_bytes, and prefetch_batches if it is given."
    )


def _s(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _bytes(count: float) -> str:
    return f"{count / 1024:.0f} KiB" if count >= 1024 else f"{count:.0f} bytes"
