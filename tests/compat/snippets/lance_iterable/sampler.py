from lance.torch.sampler import ShardedBatchSampler

# This sampler yields batches of keys for each DDP rank
sampler = ShardedBatchSampler(dataset)
