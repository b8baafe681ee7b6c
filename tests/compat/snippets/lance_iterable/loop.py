# Inside your training loop
for epoch in range(num_epochs):
    for batch in data_loader:
        # Your training step here
        images, labels = batch
        # ... train on batch
