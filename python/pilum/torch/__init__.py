"""Datasets and samplers for training with PyTorch, in the manner of Lance.

    pilum.torch.data      LanceDataset: a stream of batches of tensors
                          SafeLanceDataset, get_safe_loader: rows by number, for worker processes
    pilum.torch.sampler   which rows of a table each process of a distributed job reads

`pilum.torch.sampler` does not need torch. What the others are made of:

    source         what datasets are opened from
    process        which process of a distributed job this is
    rounds         how rows are dealt to the ranks
    batches        streams of record batches
    tensors        a record batch as tensors
    column_batch   the tensors of a batch, to be unpacked or named
    batch_cache    batches kept on disk
    safe           SafeLanceDataset and get_safe_loader
"""
