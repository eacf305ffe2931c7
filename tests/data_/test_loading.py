"""Batches: the same pixels however they are made, each picture where it belongs, and clear ends."""

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight.data import Dataset, Loader, epoch_order, evaluation_batches, open_dataset
from multiweight.data.sampling import derived_seed
from multiweight.errors import DatasetError, InputError, WorkerError
from multiweight.models import ShuffleNet_V2_X0_5_Weights
from multiweight.transforms import TrainingPicture
from tests.data_.test_decode import noise


class Squares(Dataset):
    """Pictures of one colour that says which they are; some cannot be read, and one ends whoever reads it."""

    name, split, classes = "squares", "all", ("even", "odd")

    def __init__(self, length, unreadable=(), deadly=None, how=None):
        self.length, self.unreadable, self.deadly, self.how = length, unreadable, deadly, how

    def __len__(self):
        return self.length

    def picture(self, index):
        if index == self.deadly:
            faulthandler.disable()  # pytest's, which would print
            os._exit(3) if self.how is None else os.kill(os.getpid(), self.how)
        if index in self.unreadable:
            raise InputError(f"{self.source(index)}: unreadable.")
        return Image.new("RGB", (4, 3), (index % 256, index // 256, 7))

    def target(self, index):
        return index % 2

    def source(self, index):
        return f"square {index}"


def noisy(picture):
    """The picture's number and one of chance, in a shape of its own, with a rectangle of chance."""
    red, green, _ = picture.getpixel((0, 0))
    pixels = torch.cat([torch.tensor([red, green]), torch.randint(256, (1,))]).to(torch.uint8)
    return pixels.view(3, 1, 1), torch.randint(9, (4,))


def plain(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()


def flat(batches):
    """All pictures of batches, one after the other, with all that is known of each."""
    return [
        (int(index), int(target), picture.tolist(), erased.tolist())
        for batch in batches
        for index, target, picture, erased in zip(
            batch.indices, batch.targets, batch.pictures, batch.erased, strict=True
        )
    ]


SHAPES = {
    "length": st.integers(1, 90),
    "accumulate": st.integers(1, 3),
    "world": st.integers(1, 5),
    "repetitions": st.integers(1, 3),
}


@given(**SHAPES, data=st.data())
@settings(deadline=None)
def test_processes_parts_and_resuming_change_nothing(length, accumulate, world, repetitions, data):
    batch_size = data.draw(st.integers(accumulate * world, 30))
    unreadable = data.draw(st.sets(st.integers(0, length - 1), max_size=length // 4))
    epoch = data.draw(st.integers(0, 5))

    def loader(**given):
        given = {"batch_size": batch_size, "seed": 5, "repetitions": repetitions} | given
        return Loader(Squares(length, unreadable), noisy, **given)

    alone = list(loader().epoch(epoch))
    steps = loader().steps
    assert len(alone) == steps == max(length // batch_size, 1)
    order = epoch_order(length, seed=5, epoch=epoch, repetitions=repetitions, batch_size=batch_size)
    wanted = order.view(steps, batch_size)
    for batch, indices in zip(alone, wanted, strict=True):
        readable = torch.tensor([int(index) not in unreadable for index in indices])
        assert torch.equal(batch.indices[readable], indices[readable])
        assert not unreadable & set(batch.indices.tolist())
        assert torch.equal(batch.targets, batch.indices % 2)
        assert torch.equal(batch.pictures[:, 0, 0, 0].long(), batch.indices)
        assert batch.pictures.dtype == torch.uint8
        assert batch.erased.dtype == batch.targets.dtype == torch.int64
        assert len(batch.failures) >= int((~readable).sum())
        assert set(batch.failures) <= {(f"square {i}", f"square {i}: unreadable.") for i in unreadable}

    first = data.draw(st.integers(0, steps))
    shares = [list(loader(rank=rank, world=world, accumulate=accumulate).epoch(epoch, first)) for rank in range(world)]
    assert {len(share) for share in shares} == {(steps - first) * accumulate}
    together = [batch for turn in zip(*shares, strict=True) for batch in turn]
    assert flat(together) == flat(alone[first:])
    assert all(len(batch.pictures) for batch in together)


@given(length=st.integers(1, 60), world=st.integers(1, 7), batch_size=st.integers(1, 20), data=st.data())
@settings(deadline=None)
def test_a_measurement_has_every_picture_once(length, world, batch_size, data):
    unreadable = data.draw(st.sets(st.integers(0, length - 1)))
    batches = [
        batch
        for rank in range(world)
        for batch in evaluation_batches(
            Squares(length, unreadable), plain, batch_size=batch_size, rank=rank, world=world
        )
    ]
    assert all(0 < len(batch.pictures) + len(batch.failures) <= batch_size for batch in batches)
    seen = torch.cat([batch.indices for batch in batches]).tolist()
    assert seen == [index for index in range(length) if index not in unreadable]
    assert [name for batch in batches for name, _ in batch.failures] == [f"square {i}" for i in sorted(unreadable)]
    for batch in batches:
        assert batch.erased is None
        assert len(batch.indices) == len(batch.targets) == len(batch.pictures)
        if len(batch.pictures):
            assert batch.pictures.dtype == torch.float32
            assert batch.pictures[:, 0, 0, 0].tolist() == batch.indices.tolist()


def test_workers_change_nothing():
    dataset = open_dataset("digits", "val")
    augment = TrainingPicture(crop_size=16, policy="trivial_augment_wide", random_erasing=0.5)
    given = {"batch_size": 50, "accumulate": 2, "seed": 2, "repetitions": 2}
    alone = Loader(dataset, augment, **given)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    with Loader(dataset, augment, **given, workers=2) as loader:
        for epoch, first in ((0, 0), (3, 5)):
            assert flat(loader.epoch(epoch, first)) == flat(alone.epoch(epoch, first))
        # An epoch that is left early does not disturb the next.
        next(loader.epoch(1))
        assert flat(loader.epoch(2)) == flat(alone.epoch(2))
    assert torch.equal(torch.get_rng_state(), state)
    preset = ShuffleNet_V2_X0_5_Weights.DIGITS_V1.transforms()
    mine, theirs = (list(evaluation_batches(dataset, preset, batch_size=70, workers=workers)) for workers in (0, 2))
    for left, right in zip(mine, theirs, strict=True):
        assert torch.equal(left.pictures, right.pictures)
        assert torch.equal(left.indices, right.indices)
    assert not multiprocessing.active_children()


def test_workers_need_not_be_forked(monkeypatch):
    context = multiprocessing.get_context("spawn")
    monkeypatch.setattr("multiweight.data.loading.multiprocessing.get_context", lambda: context)
    given = {"batch_size": 4, "seed": 2}
    with Loader(Squares(20), noisy, **given, workers=1) as loader:
        assert flat(loader.epoch(1)) == flat(Loader(Squares(20), noisy, **given).epoch(1))


def test_the_next_batches_are_made_while_one_is_used():
    with Loader(Squares(64), noisy, batch_size=4, workers=1) as loader:
        batches = loader.epoch(0)
        kept = [next(batches) for _ in range(3)]
        copies = [batch.pictures.clone() for batch in kept]
        list(batches)
        assert all(torch.equal(batch.pictures, copy) for batch, copy in zip(kept, copies, strict=True))


def test_pixels_are_those_of_the_augmentation_with_the_positions_seed(tmp_path):
    for number, orientation in enumerate([1, 6, 3, 1, 1]):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        noise(90, 60, seed=number).save(path, exif=exif)
    dataset = open_dataset(tmp_path)
    augment = TrainingPicture(crop_size=20, policy="trivial_augment_wide", random_erasing=0.5)
    batch = next(Loader(dataset, augment, batch_size=40, seed=3, repetitions=2).epoch(4))
    for position, index in enumerate(batch.indices.tolist()):
        torch.manual_seed(derived_seed(3, 4, position))
        pixels, erased = augment(dataset.picture(index))
        assert torch.equal(batch.pictures[position], pixels)
        assert torch.equal(batch.erased[position], erased)


def test_without_shuffling_pictures_come_in_order():
    loader = Loader(Squares(11), noisy, batch_size=5, shuffle=False)
    assert [batch.indices.tolist() for batch in loader.epoch(3)] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_augmentation_differs_between_epochs_and_repetitions():
    loader = Loader(Squares(1), noisy, batch_size=200, repetitions=2)
    epochs = [next(loader.epoch(epoch)).pictures[:, 2].flatten() for epoch in range(2)]
    assert not torch.equal(*epochs)
    assert len(epochs[0].unique()) > 100


def test_a_step_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="5 pictures cannot be cut into 2 x 3 pieces"):
        Loader(Squares(10), noisy, batch_size=5, accumulate=2, world=3)


@pytest.mark.parametrize("workers", [0, 1])
def test_where_nothing_can_be_read_it_says_so(workers):
    text = "20 pictures in a row cannot be read; the last: square .: unreadable"
    with (
        Loader(Squares(9, unreadable=range(9)), noisy, batch_size=3, workers=workers) as loader,
        pytest.raises(DatasetError, match=text),
    ):
        next(loader.epoch(0))


def test_an_error_of_the_augmentation_is_not_hidden():
    def broken(picture):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        next(Loader(Squares(9), broken, batch_size=3).epoch(0))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (signal.SIGKILL, "SIGKILL; where memory runs out"),
        (signal.SIGBUS, "SIGBUS; where shared memory"),
        (signal.SIGSEGV, "SIGSEGV; a decoder"),
        (signal.SIGTERM, "it was terminated"),
        (None, "it ended with exit code 3"),
    ],
)
def test_a_worker_that_dies_ends_the_epoch_clearly(how, text):
    with Loader(Squares(40, deadly=17, how=how), noisy, batch_size=4, workers=2, shuffle=False) as loader:
        batches = loader.epoch(0)
        seen = []
        with pytest.raises(WorkerError, match=f"One of the 2 workers that read pictures died: {text}") as caught:
            seen.extend(int(index) for batch in batches for index in batch.indices)
        # Nothing is lost or twice, and the place is named.
        assert seen == list(range(len(seen)))
        assert len(seen) <= 16
        assert f"square {len(seen)} or a picture after it" in str(caught.value)
        assert not multiprocessing.active_children()
        # The next epoch has workers again.
        assert len(list(loader.epoch(0, 5))) == 5


def test_a_measurement_ends_clearly_too():
    with pytest.raises(WorkerError, match="exit code 3"):
        list(evaluation_batches(Squares(40, deadly=17), plain, batch_size=4, workers=2))


SCRIPT = """
import multiprocessing, os, signal, sys, time
from multiweight.data import Loader, open_dataset
from multiweight.transforms import TrainingPicture
from tests.data_.test_decode import noise
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
loader = Loader(open_dataset("digits"), TrainingPicture(crop_size=16), batch_size=64, workers=2)
batches = loader.epoch(0)
next(batches)
print(*(child.pid for child in multiprocessing.active_children()), flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()", "os.killpg(0, signal.SIGINT); time.sleep(60)"]
)
def test_no_worker_outlives_its_process(end):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(end=end)],
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 2
    assert "WorkerError" not in run.stderr
    # A worker that was sending as its parent was killed finds the connection reset, and multiprocessing says so.
    reset = run.stderr.count("ConnectionResetError") if "SIGKILL" in end else 0
    assert run.stderr.count("Traceback") - reset == ("SIGINT" in end)
    deadline = time.monotonic() + 20
    while any(map(_runs, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
