# Clumped shuffle: groups of 16 contiguous rows are shuffled together,
# preserving read locality while still randomising the global ordering.
ds = StreamingDataset(
    table,
    shuffle_seed=42,
    shuffle_clump_size=16,
)
