"""In processes of their own, as torch.distributed is one a process."""

import copy
import socket

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing, nn

from multiweight.models import get_model
from multiweight.train.sync_batch_norm import SharedBatchNorm, synchronise_batch_norm

SHARES = (5, 2)
"""How many pictures each process has: not the same."""


def network(**options):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **options), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def pictures():
    # Far from zero, where a variance from the sum of squares would lose its digits.
    return torch.randn(sum(SHARES), 3, 8, 8, generator=torch.Generator().manual_seed(1)) + 50


CASES = {
    "plain": {},
    "no momentum": {"momentum": None},
    "no affine part": {"affine": False},
    "no running statistics": {"track_running_stats": False},
}


def in_each_process(rank, port, answers):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=len(SHARES))
    try:
        found = {}
        for name, options in CASES.items():
            model = synchronise_batch_norm(network(**options), "cpu")
            own = pictures().split(SHARES)[rank].requires_grad_()
            for _ in range(2):
                model.zero_grad()
                own.grad = None
                outputs = model(own)
                outputs.square().sum().backward()
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
            found[name] = (
                outputs.detach(),
                own.grad,
                [parameter.grad for parameter in model.parameters()],
                list(model.buffers()),
            )
        model.eval()
        found["evaluation"] = model(own).detach()
        half = SharedBatchNorm(nn.BatchNorm2d(3))
        found["bfloat16"] = half(pictures().split(SHARES)[rank].bfloat16()).detach()
        torch.save(found, f"{answers}/{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(in_each_process, (port, str(folder)), nprocs=len(SHARES))
    return [torch.load(folder / f"{rank}.pt") for rank in range(len(SHARES))]


@pytest.mark.parametrize("case", CASES)
def test_processes_together_are_one_with_the_whole_batch(case, answers):
    model, whole = network(**CASES[case]), pictures().requires_grad_()
    for _ in range(2):
        model.zero_grad()
        whole.grad = None
        outputs = model(whole)
        outputs.square().sum().backward()
    of_processes = [answer[case] for answer in answers]
    close = {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(torch.cat([outputs for outputs, *_ in of_processes]), outputs.detach(), **close)
    torch.testing.assert_close(torch.cat([gradient for _, gradient, *_ in of_processes]), whole.grad, **close)
    for _, _, gradients, buffers in of_processes:
        for ours, parameter in zip(gradients, model.parameters(), strict=True):
            torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-3)
        for ours, buffer in zip(buffers, model.buffers(), strict=True):
            torch.testing.assert_close(ours, buffer, rtol=1e-5, atol=1e-5)


def test_half_precision_is_summed_in_full(answers):
    expected = nn.BatchNorm2d(3)(pictures().bfloat16().float())
    found = torch.cat([answer["bfloat16"] for answer in answers])
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected.detach(), rtol=0.01, atol=0.01)


def test_in_evaluation_each_process_is_alone(answers):
    model = network(track_running_stats=False)
    model.eval()
    for answer, own in zip(answers, pictures().split(SHARES), strict=True):
        torch.testing.assert_close(answer["evaluation"], model(own).detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", ["shufflenet_v2_x0_5", "googlenet", "mobilenet_v3_small"])
def test_a_network_keeps_its_names_its_tensors_and_in_one_process_its_bits(variant):
    torch.manual_seed(0)
    options = {"init_weights": False} if variant == "googlenet" else {}
    model = get_model(variant, **options).eval()
    model.features_frozen = nn.BatchNorm2d(3).requires_grad_(False)
    other = copy.deepcopy(model)
    tensors = {name: tensor.data_ptr() for name, tensor in other.state_dict().items()}
    assert synchronise_batch_norm(other, "cpu") is other
    assert {name: tensor.data_ptr() for name, tensor in other.state_dict().items()} == tensors
    assert not [part for part in other.modules() if type(part) in (nn.BatchNorm1d, nn.BatchNorm2d)]
    assert [part.training for part in other.modules()] == [part.training for part in model.modules()]
    assert not other.features_frozen.weight.requires_grad
    batch = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(other(batch), model(batch))
    # As the single process that it is, it learns as ever, too.
    answers = []
    for each in (other, model):
        torch.manual_seed(1)  # for dropout
        outputs = each.train()(batch)
        answers.append([outputs] if isinstance(outputs, torch.Tensor) else list(outputs))
    assert all(torch.equal(one, two) for one, two in zip(*answers, strict=True))


def test_on_cuda_it_is_torchs_own():
    model = synchronise_batch_norm(network(), "cuda")
    assert isinstance(model[1], nn.SyncBatchNorm)


def test_a_batch_norm_alone_becomes_another_object():
    assert isinstance(synchronise_batch_norm(nn.BatchNorm1d(3), "cpu"), SharedBatchNorm)
    with pytest.raises(ValueError, match=r"takes \(N, C, …\)"):
        SharedBatchNorm(nn.BatchNorm1d(3))(torch.rand(3))
