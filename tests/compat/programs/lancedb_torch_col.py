"""One tensor per batch, columns first; the default collate refuses it in the words of the page."""

# snippet: lancedb_pytorch/quickstart.py

# snippet: lancedb_pytorch/torch_col.py

assert torch.equal(next(iter(dataloader)), torch.tensor([[0]]))
whole = torch.utils.data.DataLoader(permutation, 1000, collate_fn=dataloader.collate_fn)
assert torch.equal(next(iter(whole)), torch.arange(1000)[None])

MESSAGE = """
# snippet: lancedb_pytorch/torch_col_error.txt
"""
try:
    next(iter(torch.utils.data.DataLoader(permutation)))
except TypeError as error:
    message = f"{type(error).__name__}: {error}"
assert message == MESSAGE.strip()
