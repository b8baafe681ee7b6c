"""Tables as streams of samples for training: in any order, shared by many processes, read ahead,
resumable at any sample.

    from pilum.streaming import StreamingDataset

    for sample in StreamingDataset(table, num_splits=48, shuffle_seed=42):
        train_step(sample)

What it is made of:

    dataset    StreamingDataset: what the options are, and where the stream is
    loader     StreamingDataLoader: batches, the same for any number of worker processes
    arguments  their checks
    source     what is read: rows, their order, how far ahead
    packing    the same as blocks of tokens
    place      where the stream is
    state      checkpoints: what they say, and whether they fit
    reading    one pass over the samples of a share, in one process
    dealing    the same, batch by batch in several processes
    batches    batches made of columns
    receipt    proof of what was delivered
    transforms functions that make samples, on threads
    timing     how long things take
    stats      where the time goes, and what the bottleneck is
    counters   what is under way, counted by all processes that read
"""

from pilum.streaming.dataset import StreamingDataset
from pilum.streaming.loader import StreamingDataLoader
from pilum.streaming.receipt import Receipt, ReceiptError

__all__ = ["Receipt", "ReceiptError", "StreamingDataLoader", "StreamingDataset"]
