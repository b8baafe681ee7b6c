"""Which rows of a dataset each process of a distributed job reads.

    sampler                    what a rank reads
    FullScanSampler            everything
    ShardedFragmentSampler     every world_size-th fragment: no read is shared, but ranks get
                               different numbers of batches, unless these are padded
    ShardedBatchSampler        every world_size-th batch; all ranks make the same number of steps
    ShardedFixedBatchSampler   one stretch of the row numbers

A sampler is called with a dataset and gives a stream of record batches: `LanceDataset(sampler=…)`
does that. The last two can also be iterated over, for lists of row numbers: the `batch_sampler` of
a DataLoader. Samplers belong to one thread at a time, and pickle.

Samplers of one's own derive from `Sampler`, and decide everything, or from `FragmentSampler`, and
choose fragments. `maybe_sample` reads rows chosen at random.
"""

from __future__ import annotations

from pilum.torch.batch_sampler import ShardedBatchSampler, ShardedFixedBatchSampler
from pilum.torch.fragment_sampler import FragmentSampler, FullScanSampler, ShardedFragmentSampler
from pilum.torch.sampler_base import Sampler
from pilum.torch.sampling import maybe_sample

__all__ = [
    "FragmentSampler",
    "FullScanSampler",
    "Sampler",
    "ShardedBatchSampler",
    "ShardedFixedBatchSampler",
    "ShardedFragmentSampler",
    "maybe_sample",
]
