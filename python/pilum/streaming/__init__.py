"""Tables as streams of samples for training: in any order, shared by many processes, read ahead,
resumable at any sample.

    from pilum.streaming import StreamingDataset

    for sample in StreamingDataset(table, num_splits=48, shuffle_seed=42):
        train_step(sample)

What it is made of:

    dataset    StreamingDataset: what the options are, and where the stream is
    arguments  their checks
    state      checkpoints: what they say, and whether they fit
    reading    one pass over the rows, in one process
    transforms functions that make samples, on threads
    counters   what is under way, counted by all processes that read
"""

from pilum.streaming.dataset import StreamingDataset

__all__ = ["StreamingDataset"]
