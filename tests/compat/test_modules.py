"""The modules `lancedb` and `lance` of pilum-compat."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence

import lance
import lancedb
import lancedb.util
import pilum_compat
import pyarrow as pa
import pytest

import pilum

COMPAT = pathlib.Path(__file__).parents[2] / "compat"


def python(
    program: str, *path: pathlib.Path, executable: str = sys.executable, options: Sequence[str] = ()
) -> str:
    """What a program prints, with these folders first on the path of Python, errors included."""
    run = subprocess.run(
        [executable, *options, "-c", program],
        env={"PYTHONPATH": ":".join(map(str, path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return run.stdout


def test_names():
    assert lancedb.connect is pilum.connect
    assert lancedb.Table is lancedb.table.Table is lancedb.table.LanceTable is pilum.Table
    assert lancedb.DBConnection is lancedb.db.DBConnection is pilum.DBConnection
    assert lancedb.db.LanceDBConnection is pilum.LanceDBConnection
    assert lance.dataset is pilum.dataset
    assert lance.write_dataset is pilum.write_dataset
    assert lance.LanceDataset is pilum.Dataset
    assert lancedb.__version__ == lance.__version__ == pilum.__version__


def test_version_is_that_of_pilum():
    assert importlib.metadata.version("pilum-compat") == importlib.metadata.version("pilum")


def test_dataset_is_a_function_and_a_module():
    from lance.dataset import LanceDataset

    assert lance.dataset is pilum.dataset
    assert LanceDataset is pilum.Dataset


ALIASES = {
    "lancedb.permutation": "pilum.permutation",
    "lancedb.streaming": "pilum.streaming",
    "lance.sampler": "pilum.torch.sampler",
    "lance.torch.sampler": "pilum.torch.sampler",
    "lance.torch.data": "pilum.torch.data",
}


@pytest.mark.parametrize("first", ["the alias", "the module"])
def test_modules_are_those_of_pilum(first):
    pytest.importorskip("torch")
    names = [*ALIASES, *ALIASES.values()] if first == "the alias" else [*ALIASES.values(), *ALIASES]
    same = " and ".join(f"{name} is {target}" for name, target in ALIASES.items())
    names_inside = {target: f"{target}.__name__" for target in ALIASES.values()}
    program = f"import {', '.join(names)}; print({same}, {', '.join(names_inside.values())})"
    assert python(program).split() == ["True", *names_inside]


def test_torch_is_imported_only_by_what_needs_it():
    free = [name for name in ALIASES if name not in ("lance.torch.data", "lancedb.streaming")]
    program = f"import lance, lancedb, {', '.join(free)}, sys; print('torch' in sys.modules)"
    assert python(program) == "False\n"


def test_what_a_module_needs_and_does_not_find_is_said(tmp_path, monkeypatch):
    (tmp_path / "needy.py").write_text("import absent")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'absent'"):
        pilum_compat.alias("alias_of_needy", "needy")


def test_table_to_tensor():
    torch = pytest.importorskip("torch")
    to_tensor = lancedb.util.tbl_to_tensor
    columns = {"a": pa.array([1, 2, 3]), "b": pa.array([0.5, 1.5, 2.5], pa.float32())}
    expected = torch.tensor([[1, 2, 3], [0.5, 1.5, 2.5]])
    table = pa.table(columns)
    assert torch.equal(to_tensor(table), expected)
    assert torch.equal(to_tensor(pa.record_batch(columns)), expected)
    chunks = pa.concat_tables([table[:1], table[1:]])
    assert torch.equal(to_tensor(chunks), expected)
    assert to_tensor(table[:0]).shape == (2, 0)
    assert to_tensor(pa.schema(table.schema).empty_table()).shape == (2, 0)
    with pytest.raises(TypeError, match="'text'"):
        to_tensor(pa.table({"text": ["x"]}))


def test_table_to_tensor_in_a_loader():
    """As a collate_fn it gets what a table gives for the rows of a batch."""
    data = pytest.importorskip("torch.utils.data")
    table = lancedb.connect("memory://").create_table("t", pa.table({"a": range(6), "b": range(6)}))
    loader = data.DataLoader(table, batch_size=4, collate_fn=lancedb.util.tbl_to_tensor)
    assert [batch.tolist() for batch in loader] == [[[0, 1, 2, 3]] * 2, [[4, 5]] * 2]


def installed(folder: pathlib.Path, name: str, version: str) -> None:
    """What pip leaves of a distribution that is installed in a folder, as far as is needed here."""
    metadata = folder / f"{name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.mark.parametrize("module", ["lancedb", "lance", "lancedb.permutation", "lance.torch.data"])
@pytest.mark.parametrize(
    "others", [["lancedb 0.40.0"], ["pylance 14.0.2"], ["lancedb 1", "pylance 2"]]
)
def test_refuses_to_be_mixed_with_the_real_distributions(tmp_path, module, others):
    for other in others:
        installed(tmp_path, *other.split())
    printed = python(f"import {module}", tmp_path)
    assert "ImportError: pilum-compat provides" in printed
    assert f"but {' and '.join(others)} must not be installed beside it" in printed
    assert "pip uninstall lancedb pylance pilum-compat" in printed


def test_what_is_left_where_the_real_distribution_has_overwritten_files(tmp_path):
    """lance.torch.sampler, which the real one does not have. Without site-packages, because there
    an editable installation comes before the path."""
    installed(tmp_path, "pylance", "14.0.2")
    for package in ("lance", "lance/torch"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    shutil.copy(COMPAT / "lance/torch/sampler.py", tmp_path / "lance/torch")
    path = (tmp_path, COMPAT)
    assert python("import lance.torch", *path, options=["-S"]) == ""
    printed = python("import lance.torch.sampler", *path, options=["-S"])
    assert "ImportError: pilum-compat provides" in printed


@pytest.mark.peer
def test_refuses_to_be_mixed_with_the_reference_libraries(reference_python):
    printed = python("import lance", COMPAT, executable=reference_python)
    assert "ImportError: pilum-compat provides" in printed
    assert "lancedb 0" in printed
    assert "pylance 1" in printed
