import lance
from lance.torch.data import LanceDataset

uri = "s3://my-bucket/path/to/my_dataset.lance"
dataset = LanceDataset(uri, batch_size=32)
