import torch

ds = StreamingDataset(table, num_splits=48, shuffle_seed=42, rank=rank, world_size=world_size)

for step, sample in enumerate(ds):
    train_step(sample)

    if step % checkpoint_interval == 0:
        torch.save(
            {"model": model.state_dict(), "dataloader": ds.state_dict()},
            f"checkpoint_{step}.pt",
        )

# --- resuming after a crash ---
checkpoint = torch.load("checkpoint_100.pt")
model.load_state_dict(checkpoint["model"])

ds = StreamingDataset(table, num_splits=48, shuffle_seed=42, rank=rank, world_size=world_size)
ds.load_state_dict(checkpoint["dataloader"])

for sample in ds:   # continues from step 100, no repeated or skipped rows
    train_step(sample)
