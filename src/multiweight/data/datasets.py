"""Labelled pictures: a folder of class folders, WebDataset shards, scikit-learn's digits.

A data set is map-style: any picture can be had at any time, by its index. So an epoch's order is a list of indices,
which is the same however many processes share it and wherever it is resumed.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from multiweight.catalogue._schema import Labels
from multiweight.data.decode import EXTENSIONS, MAX_BYTES, is_url, named, open_picture, printable
from multiweight.errors import DatasetError, InputError, MissingExtraError, suggestions
from multiweight.transforms._pictures import rgb

_IMAGENET = "ImageNet-1K"
_WORDNET_ID = re.compile(r"n\d{8}")
_MEMBER = re.compile(r"(?P<key>(?:.*/)?[^./][^./]*)\.(?P<kind>[^/]+)")
_MOST_CLASSES = 1_000_000
_T = TypeVar("_T")


class Dataset(ABC):
    """Pictures, each of one class.

    Attributes:
        name: What the data set is called in records: `"ImageNet-1K"`, `"UCI digits"`, else its folder's name.
        split: Which part of it this is; `"all"` where it is not divided.
        classes: The classes' names; a target is an index into them.
    """

    name: str
    split: str
    classes: tuple[str, ...]

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures there are."""

    @abstractmethod
    def picture(self, index: int) -> Image.Image:
        """One picture, upright and in mode RGB.

        Raises:
            InputError: If it cannot be read; the text names it.
        """

    @abstractmethod
    def target(self, index: int) -> int:
        """The class of one picture."""

    @abstractmethod
    def source(self, index: int) -> str:
        """Where one picture is from, for people."""

    def __repr__(self) -> str:
        return f"<{self.name}, {self.split}: {len(self):,} pictures of {len(self.classes):,} classes>"


def open_dataset(data: str | Path, split: str = "train", *, classes: Sequence[str] | None = None) -> Dataset:
    """Opens one part of a data set.

    Args:
        data: One of

            - a folder of class folders, `DATA/SPLIT/CLASS/…/picture.jpg`; or `DATA/CLASS/…/picture.jpg` where none of
              `DATA/train`, `DATA/val` and `DATA/test` is there, which is the same for every split.
            - a folder of WebDataset shards, `DATA/SPLIT/*.tar` or `DATA/*SPLIT*.tar`; or `DATA/*.tar`, or one
              shard, likewise. A sample is a picture and a `.cls`, which holds its class's number or name. A file
              `classes.txt` in the folder names the classes, one a line; else their numbers are their names.
            - `"digits"`: the 1,797 scans of 8×8 pixels that come with scikit-learn, of which every fifth, counted from
              the first, is `val` and the others are `train`.
        split: The part.
        classes: The classes in the order of the targets; `None` for the data set's own: the names of the class folders
            of `train`, sorted. Where these are ImageNet's thousand WordNet ids, the classes are ImageNet-1K's labels,
            which are in the order of the ids.

    Raises:
        DatasetError: If there is no such data set or split, it has no pictures, or its classes are not those asked for.
        MissingExtraError: If `digits` is asked for without scikit-learn.
    """
    if data == "digits":
        return _Digits(split, classes)
    if is_url(data):
        raise DatasetError(f"{printable(str(data))} is not on this machine: pictures are read from local folders.")
    root = Path(data)
    name = root.resolve().name or "data"
    if root.is_file():
        return _Shards([root], root.stem, "all", root.parent, [root], classes)
    if not root.is_dir():
        raise DatasetError(f"There is no folder {printable(str(root))}, and no data set of that name but digits.")
    shards = sorted(root.glob("*.tar"))
    if shards:
        parts = {part: found for part in _parts(split) if (found := [file for file in shards if _is_of(file, part)])}
        chosen = _chosen(root, parts, split) if parts else shards
        return _Shards(chosen, name, split if parts else "all", root, parts.get("train", chosen), classes)
    folders = {part: root / part for part in _parts(split) if (root / part).is_dir()}
    folder = _chosen(root, folders, split) if folders else root
    # A class that only this part has, or has not, would shift all targets.
    like = folders.get("train", folder)
    if shards := sorted(folder.glob("*.tar")):
        return _Shards(shards, name, split, root, sorted(like.glob("*.tar")), classes)
    return _Folder(folder, name, split if folders else "all", like, classes)


def open_pictures(data: str | Path, split: str = "train") -> Dataset:
    """Opens pictures of which it does not matter what they are of: one part of a data set, or a folder of pictures.

    Args:
        data: As for `open_dataset`; or a folder that has pictures in it, or in `DATA/SPLIT`, beside or instead of
            folders: then it is all of them, however deep, of no class.
        split: The part.

    Raises:
        DatasetError: If there is no such data set, or no picture.
        MissingExtraError: If `digits` is asked for without scikit-learn.
    """
    for folder in (Path(data) / split, Path(data)) if data != "digits" else ():
        if folder.is_dir():
            with os.scandir(folder) as entries:
                if any(map(_is_picture, entries)):
                    return _Pictures(folder, Path(data))
    return open_dataset(data, split)


def _parts(split: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("train", "val", "test", split)))


def _is_of(shard: Path, part: str) -> bool:
    return re.search(rf"(?<![a-z]){re.escape(part)}(?![a-z])", shard.name.casefold()) is not None


def _chosen(root: Path, parts: Mapping[str, _T], split: str) -> _T:
    if split not in parts:
        raise DatasetError(f"{printable(str(root))} has no split {split!r}.{suggestions(split, parts)}")
    return parts[split]


class _Folder(Dataset):
    """A folder of class folders.

    Args:
        root: The folder.
        name: The data set's.
        split: The part of it.
        like: The folder of the part whose classes these are.
        classes: The classes asked for.
    """

    def __init__(self, root: Path, name: str, split: str, like: Path, classes: Sequence[str] | None) -> None:
        own = _class_folders(like)
        self.name, self.split, self._root = _IMAGENET if _is_imagenet(own) else name, split, root
        self.classes, number = _numbering(own, classes)
        paths: list[str] = []
        targets: list[int] = []
        for folder in _class_folders(root):
            if folder not in number:
                whose = "asked for" if classes is not None else f"of {printable(str(like))}"
                raise DatasetError(
                    f"{printable(str(root / folder))}: {folder!r} is none of the {len(number)} classes {whose}."
                    f"{suggestions(folder, number)}"
                )
            found = [f"{folder}/{path}" for path in _pictures_in(root / folder)]
            paths += found
            targets += [number[folder]] * len(found)
        if not paths:
            raise DatasetError(f"{printable(str(root))}: its class folders hold no pictures.")
        self._paths, self._targets = _Strings(paths), np.array(targets, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._targets)

    def picture(self, index: int) -> Image.Image:
        return rgb(open_picture(self._root / self._paths[index]))

    def target(self, index: int) -> int:
        return int(self._targets[index])

    def source(self, index: int) -> str:
        return str(self._root / self._paths[index])


def _class_folders(root: Path) -> tuple[str, ...]:
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise DatasetError(f"{printable(str(root))} holds neither class folders nor .tar shards.")
    return tuple(names)


def _pictures_in(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """The pictures below a folder, sorted, as paths from there; a link to a folder above is not followed."""
    about = folder.stat()
    here = (about.st_dev, about.st_ino)
    if here in above:
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from (f"{entry.name}/{path}" for path in _pictures_in(folder / entry.name, (*above, here)))
        elif _is_picture(entry):
            yield entry.name


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """Whether a file is a picture, by its name."""
    named_so = os.path.splitext(entry.name)[1].casefold() in EXTENSIONS and not entry.name.startswith(".")
    return named_so and not entry.is_dir()


class _Pictures(Dataset):
    """The pictures in a folder, of no class.

    Args:
        root: The folder.
        data: The data set's, which is the same or the one above.
    """

    def __init__(self, root: Path, data: Path) -> None:
        self.name, self.classes = data.resolve().name or "data", ()
        self.split = "all" if root == data else root.name
        self._root, self._files = root, sorted(_pictures_in(root))

    def __len__(self) -> int:
        return len(self._files)

    def picture(self, index: int) -> Image.Image:
        return rgb(open_picture(self._root / self._files[index]))

    def target(self, index: int) -> int:
        return 0

    def source(self, index: int) -> str:
        return str(self._root / self._files[index])


class _Sample(NamedTuple):
    key: str
    shard: int
    start: int  # of the picture, in bytes
    size: int
    label: str


class _Member(NamedTuple):
    key: str
    kind: str
    start: int
    size: int


class _Shards(Dataset):
    """WebDataset's tar files, read at the places where their pictures are; nothing is unpacked.

    Args:
        shards: The files.
        name: The data set's.
        split: The part of it.
        root: The folder that may have a `classes.txt`.
        like: The shards of the part whose classes these are.
        classes: The classes asked for.
    """

    def __init__(
        self,
        shards: Sequence[Path],
        name: str,
        split: str,
        root: Path,
        like: Sequence[Path],
        classes: Sequence[str] | None,
    ) -> None:
        self.name, self.split, self._shards = name, split, tuple(shards)
        samples = _samples(self._shards)
        if not samples:
            raise DatasetError(f"{printable(str(root))}: its shards hold no pictures.")
        labels = {sample.label for sample in samples}
        listed = _listed_classes(root)
        if classes is None and not listed and tuple(like) != self._shards:
            labels |= {sample.label for sample in _samples(like)}
        numbered = all(label.isdecimal() for label in labels)
        if numbered and not listed:
            count = max(map(int, labels)) + 1
            if count > _MOST_CLASSES:
                raise DatasetError(
                    f"{printable(str(root))}: {count - 1} is no class's number; up to {_MOST_CLASSES:,} are."
                )
            self.classes = tuple(classes) if classes is not None else tuple(map(str, range(count)))
            number = {label: int(label) for label in labels if int(label) < len(self.classes)}
        else:
            own = listed or tuple(sorted(labels))
            if _is_imagenet(own):
                self.name = _IMAGENET
            self.classes, number = _numbering(own, classes)
            if numbered:
                names = {label: own[int(label)] for label in labels if int(label) < len(own)}
                number = {label: number[name] for label, name in names.items() if name in number}
        for sample in samples:
            if sample.label not in number:
                raise DatasetError(
                    f"{self._place(sample.shard, sample.key)}: its class, {sample.label!r}, is none of the "
                    f"{len(self.classes)} classes.{suggestions(sample.label, number)}"
                )
        self._keys = _Strings([sample.key for sample in samples])
        self._targets = np.array([number[sample.label] for sample in samples], dtype=np.int64)
        self._places = np.array([(sample.shard, sample.start, sample.size) for sample in samples], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._targets)

    def picture(self, index: int) -> Image.Image:
        return rgb(open_picture(self._file(index)))

    def _file(self, index: int) -> io.BytesIO:
        """The file of one picture, under the name by which errors call it."""
        shard, start, size = map(int, self._places[index])
        with named(self.source(index)):
            if size > MAX_BYTES:
                raise InputError(f"{size:,} bytes; files of up to {MAX_BYTES:,} are read.")
            with open(self._shards[shard], "rb") as file:
                file.seek(start)
                picture = io.BytesIO(file.read(size))
        picture.name = self.source(index)
        return picture

    def target(self, index: int) -> int:
        return int(self._targets[index])

    def source(self, index: int) -> str:
        return self._place(int(self._places[index][0]), self._keys[index])

    def _place(self, shard: int, key: str) -> str:
        return f"{self._shards[shard]}/{key}"


def _listed_classes(root: Path) -> tuple[str, ...]:
    path = root / "classes.txt"
    return tuple(path.read_text(encoding="utf-8").strip().splitlines()) if path.exists() else ()


def _samples(shards: Sequence[Path]) -> list[_Sample]:
    """Where the samples of shards are; only headers and classes are read."""
    return [sample for number, shard in enumerate(shards) for sample in _samples_of(number, shard)]


def _samples_of(number: int, shard: Path) -> list[_Sample]:
    """The samples of one shard: neighbours whose names are the same up to the first dot."""
    samples: list[_Sample] = []
    try:
        with open(shard, "rb") as file:
            for key, members in groupby(_members(file), key=lambda member: member.key):
                parts = {member.kind: member for member in members}
                picture = next((part for kind, part in parts.items() if f".{kind}" in EXTENSIONS), None)
                if picture is None or "cls" not in parts:
                    raise DatasetError(f"{key} has {', '.join(parts)}; expected a picture and a cls.")
                file.seek(parts["cls"].start)
                label = file.read(parts["cls"].size).decode().strip()
                samples.append(_Sample(key, number, picture.start, picture.size, label))
    except (OSError, tarfile.TarError, UnicodeDecodeError, DatasetError) as error:
        said = str(error) if isinstance(error, DatasetError) else f"not an uncompressed tar file of samples: {error}."
        raise DatasetError(printable(f"{shard}: {said}")) from error
    return samples


def _members(file: IO[bytes]) -> list[_Member]:
    """The files of a tar file that belong to samples; hidden ones, as macOS adds, do not."""
    members: list[_Member] = []
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            match = _MEMBER.fullmatch(member.name)
            if match is not None and member.isfile():
                members.append(_Member(match["key"], match["kind"].casefold(), member.offset_data, member.size))
        end = tar.offset
    # To tarfile any damage is the end, where a whole file has blocks of zeros.
    file.seek(end)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise DatasetError(f"damaged or cut short at byte {end:,}.")
    return members


class _Digits(Dataset):
    """The scans that come with scikit-learn.

    They are the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0). Writers are not kept apart, since nothing says who
    wrote what.
    """

    name = "UCI digits"

    def __init__(self, split: str, classes: Sequence[str] | None) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise MissingExtraError('The digits come with scikit-learn: pip install "multiweight[train]"') from error
        if split not in ("train", "val"):
            raise DatasetError(f"The digits have no split {split!r}.{suggestions(split, ('train', 'val'))}")
        bunch: Any = load_digits()
        self.split = split
        self.classes, number = _numbering(tuple("0123456789"), classes)
        if missing := set("0123456789") - set(number):
            raise DatasetError(f"The digits have a class {min(missing)!r}, which is not among the {len(number)} given.")
        held_out = np.arange(len(bunch.target)) % 5 == 0
        self._scans = np.flatnonzero(held_out if split == "val" else ~held_out)
        self._pixels = (bunch.images[self._scans] * (255 / 16)).round().astype(np.uint8)  # (N, 8, 8)
        self._targets = [number[str(target)] for target in bunch.target[self._scans]]

    def __len__(self) -> int:
        return len(self._targets)

    def picture(self, index: int) -> Image.Image:
        return Image.fromarray(self._pixels[index]).convert("RGB")

    def target(self, index: int) -> int:
        return self._targets[index]

    def source(self, index: int) -> str:
        return f"digits: scan {self._scans[index]}"


def _numbering(own: tuple[str, ...], classes: Sequence[str] | None) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes' names in the order of the targets, and the targets of a data set's own names."""
    shown = Labels("imagenet1k").read() if _is_imagenet(own) else own
    if classes is None or tuple(classes) == shown:
        return shown, {name: index for index, name in enumerate(own)}
    return tuple(classes), {name: index for index, name in enumerate(classes)}


def _is_imagenet(names: Sequence[str]) -> bool:
    return len(names) == 1000 and all(_WORDNET_ID.fullmatch(name) for name in names)


class _Strings:
    """Texts in two objects: a million objects would each be copied by every worker that looks at them."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [os.fsencode(text) for text in texts]
        self._bytes = b"".join(encoded)
        self._ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)

    def __getitem__(self, index: int) -> str:
        return os.fsdecode(self._bytes[self._ends[index] : self._ends[index + 1]])
