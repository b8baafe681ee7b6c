from torch.utils.data import DataLoader

# NOTE: num_workers MUST be 0 for this simple iterable pattern
data_loader = DataLoader(dataset, batch_sampler=sampler, num_workers=0)
