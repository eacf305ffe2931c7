import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim.swa_utils import AveragedModel

from multiweight.errors import MismatchError
from multiweight.train.averaging import Average, mean_of
from multiweight.train.recipe import EMA


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))


def change(model, seed):
    """What a training step does to a network: parameters, running statistics and counts move."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor += torch.randn(tensor.shape, generator=random)
            else:
                tensor += 1


@pytest.mark.parametrize(("batch_size", "epochs", "share"), [(1024, 600, 2e-5 * 1024 * 32 / 600), (10**9, 3, 1.0)])
def test_the_share_is_the_published_formula(batch_size, epochs, share):
    average = Average(network(), EMA(decay=0.99998, every=32), batch_size, epochs)
    assert average.share == pytest.approx(share)


def test_the_average_is_torchs_averaged_model_begun_anew_while_warming_up():
    model, warmup = network(), 7
    average = Average(model, EMA(decay=0.5, every=3), batch_size=1, epochs=6)
    assert average.share == 0.25
    theirs = AveragedModel(model, avg_fn=lambda old, new, count: 0.75 * old + 0.25 * new, use_buffers=True)
    for step in range(1, 20):
        change(model, step)
        average.update(model, step, warming_up=step <= warmup)
        if step % 3 == 1:
            theirs.update_parameters(model)
            if step <= warmup:
                theirs.n_averaged.fill_(0)
        expected = theirs.module.state_dict()
        for name, tensor in average.tensors().items():
            if tensor.is_floating_point():
                torch.testing.assert_close(tensor, expected[name], rtol=1e-6, atol=1e-6)
    assert average.tensors()["1.num_batches_tracked"] == 19


def test_while_warming_up_and_once_after_the_average_is_the_network():
    model = network()
    average = Average(model, EMA(decay=0.5, every=1), batch_size=1, epochs=2)
    for step, same in ((1, True), (2, True), (3, True), (4, False)):
        change(model, step)
        average.update(model, step, warming_up=step <= 2)
        assert torch.equal(average.tensors()["0.weight"], model[0].weight) is same, step


def test_the_first_step_is_in_and_then_every_so_many():
    model = network()
    average = Average(model, EMA(decay=0.0, every=4), batch_size=100, epochs=1)
    taken = []
    for step in range(1, 11):
        change(model, step)
        average.update(model, step, warming_up=False)
        if torch.equal(average.tensors()["3.bias"], model[3].bias):
            taken.append(step)
    assert taken == [1, 5, 9]


def test_it_goes_on_from_a_checkpoint_to_the_same_bits():
    model = network()
    average = Average(model, EMA(decay=0.9, every=2), batch_size=4, epochs=3)
    for step in range(1, 6):
        change(model, step)
        average.update(model, step, warming_up=False)
    saved, other = copy.deepcopy(average.state_dict()), copy.deepcopy(model)
    resumed = Average(network(1), EMA(decay=0.9, every=2), batch_size=4, epochs=3)
    resumed.load_state_dict(saved)
    for step in range(6, 12):
        for each, of_run in ((model, average), (other, resumed)):
            change(each, step)
            of_run.update(each, step, warming_up=False)
    for name, tensor in average.tensors().items():
        assert torch.equal(tensor, resumed.tensors()[name]), name


def test_the_average_needs_no_gradient_and_shares_nothing():
    model = network()
    average = Average(model, EMA(), batch_size=1, epochs=1)
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    average.update(model, 1, warming_up=False)
    assert not any(tensor.requires_grad for tensor in average.tensors().values())
    kept = average.tensors()["0.weight"].clone()
    change(model, 1)
    assert torch.equal(average.tensors()["0.weight"], kept)


def test_channels_last_stays_so():
    model = network().to(memory_format=torch.channels_last)
    average = Average(model, EMA(), batch_size=1, epochs=1)
    assert average.tensors()["0.weight"].is_contiguous(memory_format=torch.channels_last)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 5), dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
def test_a_mean_of_checkpoints_is_rounded_once(count, dtype):
    random = torch.Generator().manual_seed(count)
    states = [
        {"weight": torch.randn(3, 4, generator=random).to(dtype), "batches": torch.tensor(place)}
        for place in range(count)
    ]
    mean = mean_of(iter(states))
    expected = torch.stack([state["weight"].double() for state in states]).mean(0).to(dtype)
    torch.testing.assert_close(mean["weight"], expected, rtol=torch.finfo(dtype).eps, atol=0)
    assert mean["weight"].dtype == dtype
    assert mean["batches"] == count - 1
    states[-1]["batches"] += 1
    assert mean["batches"] == count - 1  # a copy


def test_a_mean_of_one_is_that_one():
    state = network().state_dict()
    mean = mean_of([state])
    assert all(torch.equal(mean[name], tensor) for name, tensor in state.items())
    assert mean["0.weight"].data_ptr() != state["0.weight"].data_ptr()


def test_different_networks_have_no_mean():
    with pytest.raises(ValueError, match="no mean"):
        mean_of([])
    with pytest.raises(MismatchError, match=r"1 tensors differ: b"):
        mean_of([{"a": torch.zeros(1)}, {"a": torch.zeros(1), "b": torch.zeros(1)}])
    with pytest.raises(MismatchError, match=r"a \(2,\) instead of \(1,\)"):
        mean_of([{"a": torch.zeros(1)}, {"a": torch.zeros(2)}])
    average = Average(network(), EMA(), batch_size=1, epochs=1)
    with pytest.raises(MismatchError, match="differ"):
        average.load_state_dict(Average(nn.Linear(2, 2), EMA(), batch_size=1, epochs=1).state_dict())
