"""Orders of epochs: what comes, how often, how far apart, and to which process."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multiweight.data import epoch_order
from multiweight.data.sampling import derived_seed, share

SIZES = {"length": st.integers(1, 300), "batch_size": st.integers(1, 64), "repetitions": st.integers(1, 5)}


@given(**SIZES, seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 1000))
def test_an_epoch_is_whole_steps_of_pictures_each_as_often_as_the_others(length, batch_size, repetitions, seed, epoch):
    order = epoch_order(length, seed=seed, epoch=epoch, repetitions=repetitions, batch_size=batch_size)
    assert order.dtype == torch.int64
    assert len(order) == max(length // batch_size, 1) * batch_size
    assert order.min() >= 0
    assert order.max() < length
    counts = order.bincount(minlength=length)
    if length >= batch_size:
        # Whole repetitions, but for the picture at the end.
        assert sorted(set(counts.tolist()) - {0, repetitions}) in ([], [len(order) % repetitions])
        assert (counts > 0).sum() == -(-len(order) // repetitions)
    else:
        assert counts.max() - counts.min() <= repetitions
    again = epoch_order(length, seed=seed, epoch=epoch, repetitions=repetitions, batch_size=batch_size)
    assert torch.equal(order, again)


@given(length=st.integers(200, 300), batch_size=st.integers(1, 9))
def test_every_seed_and_epoch_has_an_order_of_its_own(length, batch_size):
    orders = {
        tuple(epoch_order(length, seed=seed, epoch=epoch, batch_size=batch_size).tolist())
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


def test_over_the_epochs_all_pictures_come():
    seen = torch.cat([epoch_order(100, seed=0, epoch=epoch, batch_size=64) for epoch in range(20)])
    assert len(seen.unique()) == 100


@given(repetitions=st.integers(2, 4), factor=st.integers(1, 4), steps=st.integers(1, 5), parts=st.integers(1, 3))
def test_repetitions_are_of_one_step_and_go_to_different_processes(repetitions, factor, steps, parts):
    world = repetitions * factor
    batch_size = world * parts * 2
    order = epoch_order(steps * batch_size, seed=1, epoch=2, repetitions=repetitions, batch_size=batch_size)
    for step in order.view(steps, batch_size):
        assert set(step.bincount().tolist()) <= {0, repetitions}
        for rank in range(world):
            piece = share(0, batch_size, rank, world)
            assert len(step[piece.start : piece.stop].unique()) == len(piece)


@given(start=st.integers(0, 50), length=st.integers(0, 200), count=st.integers(1, 40))
def test_pieces_are_disjoint_complete_and_in_order(start, length, count):
    pieces = [share(start, start + length, number, count) for number in range(count)]
    assert [place for piece in pieces for place in piece] == list(range(start, start + length))
    lengths = [len(piece) for piece in pieces]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("wrong", [{"length": 0}, {"batch_size": 0}, {"repetitions": 0}])
def test_an_epoch_of_nothing_is_refused(wrong):
    numbers = {"length": 10, "batch_size": 5, "repetitions": 1} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=0"):
        epoch_order(numbers.pop("length"), seed=0, epoch=0, **numbers)


def test_seeds_tell_their_numbers_apart():
    seeds = {derived_seed(*numbers) for numbers in [(1, 23), (12, 3), (123,), (1, 2, 3), (3, 2, 1), (-1, 23)]}
    assert len(seeds) == 6
    assert max(seeds) < 2**32
