"""Data sets: which pictures they have, of which classes, and what is said where something is wrong."""

import gc
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from multiweight.data import open_dataset, open_picture, open_pictures
from multiweight.errors import DatasetError, InputError, MissingExtraError
from multiweight.models import ResNet50_Weights
from tests.data_.test_decode import encoded, noise
from tests.reference import torchvision

IMAGENET = ResNet50_Weights.IMAGENET1K_V2.meta["categories"]
WORDNET_IDS = [f"n{number:08}" for number in range(1_000_017, 13_000_017, 12_000)]


def write(path, picture=None, kind="PNG", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(picture or noise(5, 4), kind, **options))


def pictures(dataset):
    return [np.asarray(dataset.picture(index)) for index in range(len(dataset))]


def targets(dataset):
    return [dataset.target(index) for index in range(len(dataset))]


def write_shard(path, samples):
    """Samples as WebDataset's own writer puts them into a tar file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path)) as writer:
        for key, parts in samples:
            writer.write({"__key__": key, **parts})


def samples(count, start=0, label=lambda number: number % 3):
    return [
        (f"{number:04}", {"png": encoded(noise(5, 4, seed=number)), "cls": str(label(number)).encode()})
        for number in range(start, start + count)
    ]


class TestFolder:
    def test_pictures_and_classes_are_those_of_torchvisions_image_folder(self, tmp_path):
        for number, name in enumerate(
            ["b/2.png", "b/1.jpeg", "a/x.PNG", "a/sub/y.jpg", "c d/ü.bmp", "a/sub2/deep/z.png"]
        ):
            kind = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "bmp": "BMP"}[name.lower().rpartition(".")[2]]
            write(tmp_path / name, noise(7, 6, seed=number), kind)
        (tmp_path / "a" / "notes.txt").write_text("no picture")
        theirs = torchvision().datasets.ImageFolder(str(tmp_path))
        ours = open_dataset(tmp_path)
        assert ours.classes == tuple(theirs.classes)
        index = {ours.source(number): number for number in range(len(ours))}
        assert len(index) == len(theirs) == 6
        for number, (path, target) in enumerate(theirs.samples):
            assert ours.target(index[path]) == target
            assert np.array_equal(ours.picture(index[path]), theirs[number][0])
        assert (ours.name, ours.split) == (tmp_path.name, "all")

    def test_a_split_is_a_folder_and_its_classes_are_those_of_train(self, tmp_path):
        for name in ("train/cat", "train/dog", "train/eel", "val/eel", "val/cat"):
            write(tmp_path / name / "1.png")
        train, val = (open_dataset(str(tmp_path), split) for split in ("train", "val"))
        assert train.classes == val.classes == ("cat", "dog", "eel")
        assert targets(train) == [0, 1, 2]
        assert targets(val) == [0, 2]
        assert (val.name, val.split) == (tmp_path.name, "val")
        assert repr(val) == f"<{tmp_path.name}, val: 2 pictures of 3 classes>"
        with pytest.raises(DatasetError, match="no split 'test'. Known: train, val"):
            open_dataset(tmp_path, "test")
        write(tmp_path / "val" / "cow" / "1.png")
        with pytest.raises(DatasetError, match="'cow' is none of the 3 classes of .*train"):
            open_dataset(tmp_path, "val")

    def test_the_classes_can_be_asked_for_in_another_order(self, tmp_path):
        for name in ("cat", "dog"):
            write(tmp_path / name / "1.png")
        dataset = open_dataset(tmp_path, classes=["bee", "dog", "cat"])
        assert dataset.classes == ("bee", "dog", "cat")
        assert targets(dataset) == [2, 1]
        with pytest.raises(DatasetError, match="'dog' is none of the 2 classes asked for. Did you mean dogs"):
            open_dataset(tmp_path, classes=["cat", "dogs"])

    def test_a_thousand_wordnet_ids_are_imagenets_labels(self, tmp_path):
        for identity in WORDNET_IDS:
            (tmp_path / "val" / identity).mkdir(parents=True)
        for number in (999, 3, 134):  # 134 and 517 are both called "crane"
            write(tmp_path / "val" / WORDNET_IDS[number] / "1.png")
        for classes in (None, IMAGENET):
            dataset = open_dataset(tmp_path, "val", classes=classes)
            assert dataset.classes == IMAGENET
            assert targets(dataset) == [3, 134, 999]
            assert dataset.name == "ImageNet-1K"

    def test_links_are_followed_but_not_in_circles(self, tmp_path):
        write(tmp_path / "elsewhere" / "1.png")
        write(tmp_path / "data" / "a" / "2.png")
        (tmp_path / "data" / "b").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "data" / "a" / "again").symlink_to(tmp_path / "data" / "a")
        dataset = open_dataset(tmp_path / "data")
        assert [os.path.relpath(dataset.source(index), tmp_path / "data") for index in range(len(dataset))] == [
            "a/2.png",
            "b/1.png",
        ]

    def test_names_that_are_no_text_can_be_opened(self, tmp_path):
        write(tmp_path / "a" / os.fsdecode(b"\xff\xfe.png"))
        assert pictures(open_dataset(tmp_path))[0].shape == (4, 5, 3)

    def test_hidden_files_are_no_pictures(self, tmp_path):
        write(tmp_path / "a" / "1.png")
        write(tmp_path / "a" / "._1.png")
        write(tmp_path / ".cache" / "1.png")
        dataset = open_dataset(tmp_path)
        assert len(dataset) == 1
        assert dataset.classes == ("a",)

    def test_what_is_wrong_is_said(self, tmp_path):
        (tmp_path / "empty").mkdir()
        (tmp_path / "bare" / "a").mkdir(parents=True)
        for data, text in (
            (tmp_path / "none", "There is no folder .*none"),
            ("digitz", "no data set of that name but digits"),
            ("https://example.org/data.tar", "is not on this machine"),
            (tmp_path / "empty", "neither class folders nor .tar shards"),
            (tmp_path / "bare", "hold no pictures"),
        ):
            with pytest.raises(DatasetError, match=text):
                open_dataset(data)

    def test_a_damaged_picture_is_named(self, tmp_path):
        write(tmp_path / "a" / "1.png")
        (tmp_path / "a" / "2.jpg").write_bytes(encoded(noise(50, 40), "JPEG")[:300])
        dataset = open_dataset(tmp_path)
        assert dataset.picture(0).mode == "RGB"
        with pytest.raises(InputError, match="2.jpg: a damaged JPEG file"):
            dataset.picture(1)


class TestShards:
    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves its last file open
    def test_the_samples_are_those_that_webdataset_reads(self, tmp_path):
        for number in range(3):
            write_shard(tmp_path / f"s-{number:06}.tar", samples(7 + number, start=20 * number))
        ours = open_dataset(tmp_path)
        urls = [str(path) for path in sorted(tmp_path.glob("*.tar"))]
        theirs = list(webdataset.WebDataset(urls, shardshuffle=False).decode("pil").to_tuple("png", "cls", "__key__"))
        gc.collect()
        assert len(ours) == len(theirs) == 24
        assert targets(ours) == [target for _, target, _ in theirs]
        assert [ours.source(index).rpartition("/")[2] for index in range(24)] == [key for *_, key in theirs]
        assert all(np.array_equal(mine, picture) for mine, (picture, _, _) in zip(pictures(ours), theirs, strict=True))
        assert ours.classes == ("0", "1", "2")
        assert ours.split == "all"

    @pytest.mark.parametrize("layout", ["{}/000.tar", "data-{}-000.tar"])
    def test_a_split_is_a_folder_or_a_part_of_the_name(self, tmp_path, layout):
        write_shard(tmp_path / layout.format("train"), samples(6))
        write_shard(tmp_path / layout.format("val"), samples(2))
        train, val = (open_dataset(tmp_path, split) for split in ("train", "val"))
        assert [len(train), len(val)] == [6, 2]
        assert train.classes == val.classes == ("0", "1", "2")
        assert (val.name, val.split) == (tmp_path.name, "val")
        with pytest.raises(DatasetError, match="no split 'test'"):
            open_dataset(tmp_path, "test")

    def test_one_shard_is_a_data_set_too(self, tmp_path):
        write_shard(tmp_path / "pets.tar", samples(4))
        dataset = open_dataset(tmp_path / "pets.tar", "val")
        assert (dataset.name, dataset.split, len(dataset)) == ("pets", "all", 4)

    def test_classes_are_named_by_a_file_by_the_samples_or_by_who_asks(self, tmp_path):
        write_shard(tmp_path / "numbers" / "train-0.tar", samples(3))
        numbers = tmp_path / "numbers"
        assert open_dataset(numbers, classes=("x", "x", "y")).classes == ("x", "x", "y")
        with pytest.raises(DatasetError, match="0002: its class, '2', is none of the 2 classes"):
            open_dataset(numbers, classes=("x", "y"))
        (numbers / "classes.txt").write_text("bee\ncat\ndog\n")
        assert open_dataset(numbers).classes == ("bee", "cat", "dog")
        turned = open_dataset(numbers, classes=("dog", "cat", "bee"))
        assert targets(turned) == [2, 1, 0]
        write_shard(tmp_path / "padded" / "a.tar", samples(2, label=lambda number: f"00{number}"))
        (tmp_path / "padded" / "classes.txt").write_text("bee\ncat\n")
        assert targets(open_dataset(tmp_path / "padded")) == [0, 1]
        write_shard(tmp_path / "damaged.tar", samples(1, label=lambda number: 10**15))
        with pytest.raises(DatasetError, match="1000000000000000 is no class's number"):
            open_dataset(tmp_path / "damaged.tar")
        (numbers / "classes.txt").write_text("\n".join(WORDNET_IDS))
        assert open_dataset(numbers).classes == IMAGENET
        assert open_dataset(numbers, classes=IMAGENET).name == "ImageNet-1K"
        assert targets(open_dataset(numbers)) == [0, 1, 2]

        write_shard(tmp_path / "names" / "train-0.tar", samples(3, label=lambda number: "cba"[number]))
        write_shard(tmp_path / "names" / "val-0.tar", samples(1, label=lambda number: "b"))
        train, val = (open_dataset(tmp_path / "names", split) for split in ("train", "val"))
        assert train.classes == val.classes == ("a", "b", "c")
        assert targets(train) == [2, 1, 0]
        assert targets(val) == [1]

    def test_wordnet_ids_may_be_the_labels(self, tmp_path):
        write_shard(tmp_path / "val.tar", samples(2, label=lambda number: WORDNET_IDS[998 + number]))
        (tmp_path / "classes.txt").write_text("\n".join(WORDNET_IDS))
        assert targets(open_dataset(tmp_path, "val")) == [998, 999]

    def test_other_files_of_a_sample_and_hidden_ones_do_no_harm(self, tmp_path):
        sample = {"txt": b"a caption", "JPG": encoded(noise(), "JPEG"), "cls": b"1\n", "seg.png": b"-"}
        write_shard(tmp_path / "a.tar", [("dir/x.y", {}), ("dir/x", sample)])
        with tarfile.open(tmp_path / "a.tar", "a") as tar:
            tar.addfile(tarfile.TarInfo("dir/._x.jpg"))
        dataset = open_dataset(tmp_path)
        assert targets(dataset) == [1]
        assert dataset.source(0) == f"{tmp_path}/a.tar/dir/x"
        assert np.array_equal(dataset.picture(0), open_picture(sample["JPG"]))

    def test_a_damaged_picture_is_named(self, tmp_path):
        write_shard(tmp_path / "a.tar", [("x", {"jpg": encoded(noise(50, 40), "JPEG")[:300], "cls": b"0"})])
        with pytest.raises(InputError, match="a.tar/x: a damaged JPEG file"):
            open_dataset(tmp_path).picture(0)

    def test_a_sample_without_a_part_is_named(self, tmp_path):
        for parts in ({"cls": b"1"}, {"png": b"1"}):
            write_shard(tmp_path / "a.tar", [("x", parts)])
            with pytest.raises(DatasetError, match=f"a.tar: x has {next(iter(parts))}; expected a picture and a cls"):
                open_dataset(tmp_path)

    def test_a_packed_shard_and_one_that_is_none_are_refused(self, tmp_path):
        with tarfile.open(tmp_path / "a.tar", "w:gz"):
            pass
        with pytest.raises(DatasetError, match="a.tar: not an uncompressed tar file"):
            open_dataset(tmp_path)
        (tmp_path / "a.tar").write_bytes(b"")
        with pytest.raises(DatasetError, match="a.tar: not an uncompressed tar file"):
            open_dataset(tmp_path)

    @settings(deadline=None, max_examples=60)
    @given(share=st.floats(0, 1, exclude_max=True), damage=st.booleans())
    def test_no_damage_loses_samples_silently(self, tmp_path_factory, share, damage):
        path = tmp_path_factory.mktemp("shards") / "a.tar"
        write_shard(path, samples(5))
        with tarfile.open(path) as tar:
            end = max(member.offset_data + member.size for member in tar)
        whole = path.read_bytes()
        at = int(share * end)
        path.write_bytes(
            whole[:at] + bytes([whole[at] ^ 255]) * (512 if damage else 0) + (whole[at + 512 :] if damage else b"")
        )
        try:
            found = open_dataset(path)
        except DatasetError as error:
            assert str(path) in str(error)
        else:
            assert damage
            assert len(found) == 5


class TestDigits:
    def test_every_fifth_scan_is_held_out(self):
        data = load_digits()
        train, val = (open_dataset("digits", split) for split in ("train", "val"))
        assert [len(train), len(val)] == [1437, 360]
        assert val.name == "UCI digits"
        assert val.classes == tuple("0123456789")
        assert targets(val) == data.target[::5].tolist()
        for index, scan in ((0, 0), (7, 35)):
            assert np.array_equal(np.asarray(val.picture(index))[..., 1], (data.images[scan] * 255 / 16).round())
            assert val.source(index) == f"digits: scan {scan}"
        assert [train.source(index)[-1] for index in range(6)] == ["1", "2", "3", "4", "6", "7"]
        assert train.picture(0).mode == "RGB"

    def test_classes_and_splits_are_checked(self):
        assert targets(open_dataset("digits", classes="9876543210"))[:3] == [8, 7, 6]
        with pytest.raises(DatasetError, match="class '9'"):
            open_dataset("digits", classes="012345678")
        with pytest.raises(DatasetError, match="no split 'test'"):
            open_dataset("digits", "test")

    def test_without_scikit_learn_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
        with pytest.raises(MissingExtraError, match=r'pip install "multiweight\[train\]"'):
            open_dataset("digits")


def test_data_sets_can_be_sent_to_other_processes(tmp_path):
    write(tmp_path / "folder" / "a" / "1.png")
    write_shard(tmp_path / "shards" / "a.tar", samples(2))
    for data in (tmp_path / "folder", tmp_path / "shards", "digits"):
        dataset = open_dataset(data)
        sent = pickle.loads(pickle.dumps(dataset))
        assert repr(sent) == repr(dataset)
        assert all(np.array_equal(*pair) for pair in zip(pictures(sent), pictures(dataset), strict=True))


def test_pictures_of_no_class_are_all_that_are_in_the_folder(tmp_path):
    for name in ("b.png", "more/a.png", "more/deep/c.png"):
        write(tmp_path / "loose" / name)
    (tmp_path / "loose" / ".hidden.png").write_bytes(b"")
    dataset = open_pictures(tmp_path / "loose", "train")
    assert [dataset.name, dataset.split, dataset.classes, dataset.target(1)] == ["loose", "all", (), 0]
    assert [Path(dataset.source(index)).name for index in range(len(dataset))] == ["b.png", "a.png", "c.png"]
    assert dataset.picture(2).mode == "RGB"
    write(tmp_path / "split" / "train" / "a.png")
    assert [open_pictures(tmp_path / "split", "train").split, len(open_pictures(tmp_path / "split"))] == ["train", 1]
    write(tmp_path / "classes" / "cat" / "b.png")
    assert open_pictures(tmp_path / "classes").classes == ("cat",)
    assert len(open_pictures("digits", "val")) == 360
    with pytest.raises(DatasetError, match="no folder"):
        open_pictures(tmp_path / "none")
