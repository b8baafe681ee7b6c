"""The whole guide: batches unpack into tensors, and every epoch has all rows."""

import lance
import pyarrow as pa

numbers = pa.array([i / 2 for i in range(800)], pa.float32())
images = pa.FixedSizeListArray.from_arrays(numbers, 8)
lance.write_dataset(
    pa.table({"image": images, "label": range(100)}),
    "s3://my-bucket/path/to/my_dataset.lance",
)
num_epochs = 2

# snippet: lance_iterable/dataset.py

# snippet: lance_iterable/sampler.py

# snippet: lance_iterable/loader.py

# snippet: lance_iterable/loop.py

assert epoch == 1
assert labels.tolist() == [96, 97, 98, 99]  # of the last batch
assert images.tolist() == [[i / 2 for i in range(8 * n, 8 * n + 8)] for n in labels.tolist()]
assert len(data_loader) == len(sampler) == 4
assert [batch["label"].tolist() for batch in data_loader] == [
    list(range(first, min(first + 32, 100))) for first in range(0, 100, 32)
]
assert isinstance(dataset, LanceDataset)
assert next(iter(dataset))["image"].shape == (32, 8)  # it is still a stream itself
