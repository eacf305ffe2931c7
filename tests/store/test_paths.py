"""Where files lie: torch.hub's folder and names, and never two files in one place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multiweight.catalogue import weights_enums
from multiweight.errors import StoreError
from multiweight.store import checkpoints_dir, local_path, published_hash

PUBLISHED = [
    ("https://download.pytorch.org/models/resnet50-0676ba61.pth", "0676ba61"),
    ("https://download.pytorch.org/models/quantized/resnet50_fbgemm_bf931d71.pth", "bf931d71"),
    ("https://download.pytorch.org/models/shufflenetv2_x0.5-f707e7126e.pth", "f707e7126e"),
    ("https://download.pytorch.org/models/raft_large_C_T_SKHT_K_V2-ff5fadd5.pth", "ff5fadd5"),
    (f"file:///data/net-{'ab' * 32}.safetensors", "ab" * 32),
    ("hf://group/net/net-0676ba61.safetensors?download=true", "0676ba61"),
]
NOT_PUBLISHED = [
    "https://example.org/net.pth",
    "https://example.org/net-0676ba6.pth",
    "https://example.org/net-0676BA61.pth",
    f"https://example.org/net-{'a' * 65}.pth",
    "https://example.org/net-0676ba61/model.safetensors",
    "https://example.org/net0676ba61.pth",
    "https://example.org/net.pth?v=-0676ba61.x",
]


@pytest.mark.parametrize(("url", "digits"), PUBLISHED)
def test_published_hash(url, digits):
    assert published_hash(url) == digits


@pytest.mark.parametrize("url", NOT_PUBLISHED)
def test_no_published_hash(url):
    assert published_hash(url) is None


def test_every_published_entry_lies_where_torch_hub_puts_it(cache):
    urls = [entry.url for enum in weights_enums().values() for entry in enum if entry.url.startswith("http")]
    assert len(urls) > 15
    for url in urls:
        assert published_hash(url)
        assert local_path(url) == Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])


ENVIRONMENTS = [
    {"TORCH_HOME": "/a"},
    {"TORCH_HOME": "~/a"},
    {"XDG_CACHE_HOME": "/b"},
    {"TORCH_HOME": "/a", "XDG_CACHE_HOME": "/b"},
    {"XDG_CACHE_HOME": ""},
    {},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("torch_is_imported", [True, False])
def test_folder_is_torch_hubs(monkeypatch, environment, torch_is_imported):
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    expected = Path(torch.hub.get_dir(), "checkpoints")
    if not torch_is_imported:
        monkeypatch.delitem(sys.modules, "torch.hub")
    assert checkpoints_dir() == expected


def test_set_dir_is_honoured(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.hub._hub_dir", None)
    torch.hub.set_dir(tmp_path)
    assert checkpoints_dir() == tmp_path / "checkpoints"


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://example.org/models/model.safetensors", "https/example.org/models/model.safetensors"),
        ("https://user:secret@example.org:8080/model.pth", "https/example.org%3A8080/model.pth"),
        ("hf://timm/resnet18.a1_in1k/model.safetensors", "hf/timm/resnet18.a1_in1k/model.safetensors"),
        ("hf://timm/net@main/model-0676ba61.pth", "hf/timm/net@main/model-0676ba61.pth"),
        ("s3://bucket/a%20b/model.pth", "s3/bucket/a%20b/model.pth"),
        ("gs://bucket/../../model.pth", "gs/bucket/%2E%2E/%2E%2E/model.pth"),
        ("HTTPS://example.org/%2e%2e/model.pth", "https/example.org/%2E%2E/model.pth"),
        (r"s3://bucket/..\..\model.pth", "s3/bucket/..%5C..%5Cmodel.pth"),
    ],
)
def test_other_files_have_folders_of_their_own(cache, url, inside):
    assert local_path(url) == cache / inside


def test_queries_are_other_files(cache):
    paths = {local_path(f"https://example.org/model.pth{query}") for query in ("", "?v=1", "?v=2")}
    assert len(paths) == 3
    assert all(path.name.endswith("model.pth") for path in paths)


parts = st.text(st.sampled_from("ab.-/%2e\\?#:@ ä"), min_size=1, max_size=12)


@given(scheme=st.sampled_from(["https", "http", "hf", "s3", "gs"]), one=parts, two=parts)
def test_no_url_leaves_the_cache_folder(scheme, one, two):
    try:
        path = local_path(f"{scheme}://{one}/{two}")
    except StoreError:
        return
    assert ".." not in path.parts
    assert Path(os.path.normpath(path)).is_relative_to(checkpoints_dir())
    assert path != checkpoints_dir()


@pytest.mark.parametrize(
    "url", ["file:///data/a%20b/net.pth", "file://localhost/data/a%20b/net.pth", "/data/a b/net.pth"]
)
def test_files_are_themselves(url):
    assert local_path(url) == Path("/data/a b/net.pth")


def test_package_files():
    assert local_path("package://multiweight/catalogue/labels/digits.txt").read_text().splitlines()[0]
    inner = local_path("package://multiweight.catalogue/labels/digits.txt")
    assert inner == local_path("package://multiweight/catalogue/labels/digits.txt")


def test_package_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "heavy" / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py"):
        (tmp_path / "heavy" / name).write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert local_path("package://heavy.inner/net.safetensors") == tmp_path / "heavy" / "inner" / "net.safetensors"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("htps://example.org/net.pth", "Did you mean https"),
        ("https://example.org", "names no file"),
        ("https://example.org/folder/", "names no file"),
        ("http://[/net.pth", "is not a URL"),
        ("file://elsewhere/net.pth", "names no file here"),
        ("file://", "names no file here"),
        ("package://multiweight", "names no file of a package"),
        ("package:///net.pth", "names no file of a package"),
        ("package://multiweight/../net.pth", "names no file of a package"),
        ("package://no_such_package_at_all/net.pth", "is not installed"),
        ("package://__main__/net.pth", "is not installed"),
        ("package://this/net.pth", "is not installed"),  # a module of one file has no place for others
    ],
)
def test_urls_that_name_nothing(url, said):
    with pytest.raises(StoreError, match=said):
        local_path(url)


def test_asking_imports_nothing_heavy():
    script = """
import sys
import multiweight.store as store
from multiweight.store import fetch, hashes, paths, progress, sources
assert not store.cached_files()
store.local_path("https://example.org/net-0676ba61.pth")
heavy = {"torch", "numpy", "PIL", "aiohttp", "fsspec", "filelock", "rich", "asyncio", "safetensors"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
