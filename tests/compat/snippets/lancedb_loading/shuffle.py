# Training loop: each epoch gets a different shuffled ordering
for epoch in range(num_epochs):
    ds = StreamingDataset(
        table,
        shuffle_seed=42,
        epoch=epoch,       # changes the permutation each epoch
    )
    for sample in ds:
        train_step(sample)

# Evaluation: deterministic sequential order, no shuffle
eval_ds = StreamingDataset(table, shuffle=False)
for sample in eval_ds:
    eval_step(sample)
