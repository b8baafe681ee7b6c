"""The default format with the default collate: dicts of tensors, row after row."""

import itertools

# snippet: lancedb_pytorch/quickstart.py

# snippet: lancedb_pytorch/identity.py

assert len(dataloader) == 1000
batches = list(itertools.islice(dataloader, 3))
assert batches == [{"a": torch.tensor([i])} for i in range(3)]
