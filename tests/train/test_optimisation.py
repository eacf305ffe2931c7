import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler

from multiweight.models import get_model
from multiweight.train.optimisation import EMBEDDINGS, NORMS, make_optimizer, make_schedule, parameter_groups
from tests.train.parts import recipe


def of_torch(optimizer, recipe, steps_per_epoch):
    """The schedule as the published runs composed it from torch's own; one step of it is an epoch's or a step's."""
    schedule, unit = recipe.schedule, steps_per_epoch if recipe.schedule.update == "step" else 1
    rest = (recipe.epochs - schedule.warmup_epochs) * unit
    main = {
        "step": lambda: lr_scheduler.StepLR(optimizer, schedule.step_epochs * unit, schedule.gamma),
        "exponential": lambda: lr_scheduler.ExponentialLR(optimizer, schedule.gamma ** (1 / unit)),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, rest, schedule.min_learning_rate),
    }[schedule.name]()
    if not schedule.warmup_epochs:
        return main
    kind = {"linear": lr_scheduler.LinearLR, "constant": lr_scheduler.ConstantLR}[schedule.warmup]
    warmup = kind(optimizer, schedule.warmup_factor, total_iters=schedule.warmup_epochs * unit)
    return lr_scheduler.SequentialLR(optimizer, [warmup, main], [schedule.warmup_epochs * unit])


def plain_optimizer(rate):
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate)


@settings(deadline=None, max_examples=40)
@given(
    schedule=st.fixed_dictionaries(
        {
            "name": st.sampled_from(["step", "exponential", "cosine"]),
            "step_epochs": st.integers(1, 4),
            "gamma": st.floats(0.1, 1.0),
            "min_learning_rate": st.floats(0, 0.4),
            "warmup": st.sampled_from(["linear", "constant"]),
            "warmup_epochs": st.integers(0, 5),
            "warmup_factor": st.floats(0.01, 1.0),
            "update": st.sampled_from(["epoch", "step"]),
        }
    ),
    steps_per_epoch=st.integers(1, 4),
    epochs=st.integers(6, 12),
)
@pytest.mark.filterwarnings("ignore:Detected call of .lr_scheduler.step")
def test_a_schedule_is_the_composition_of_torchs_own(schedule, steps_per_epoch, epochs):
    if schedule["name"] != "cosine":
        del schedule["min_learning_rate"]
    chosen = recipe(epochs=epochs, schedule=schedule)
    theirs, ours = plain_optimizer(0.5), plain_optimizer(0.5)
    expected, schedule = of_torch(theirs, chosen, steps_per_epoch), make_schedule(ours, chosen, steps_per_epoch)
    for step in range(epochs * steps_per_epoch):
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-9), step
        assert schedule.get_last_lr() == [ours.param_groups[0]["lr"]]
        schedule.step()
        if chosen.schedule.update == "step" or (step + 1) % steps_per_epoch == 0:
            expected.step()


def test_the_published_rates_of_the_new_resnet_recipe():
    warmup = {"warmup_epochs": 5, "warmup_factor": 0.01}
    optimizer = plain_optimizer(0.5)
    schedule = make_schedule(optimizer, recipe(epochs=600, schedule=warmup), 2)
    rates = []
    for _ in range(1200):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    assert rates[0] == rates[1] == 0.5 * 0.01
    assert rates[10] == 0.5
    assert rates[-1] == pytest.approx(0.25 * (1 + math.cos(math.pi * 594 / 595)))
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adamw"])
def test_a_run_that_is_resumed_steps_to_the_same_bits(name):
    chosen = recipe(
        optimizer={"name": name, "learning_rate": 0.01, "weight_decay": 0.1, "norm_weight_decay": 0.0},
        schedule={"warmup_epochs": 3, "update": "step"},
    )
    inputs = torch.rand(4, 5, generator=torch.Generator().manual_seed(0))

    def parts(network):
        optimizer = make_optimizer(network, chosen)
        return optimizer, make_schedule(optimizer, chosen, 3)

    def steps(network, optimizer, schedule, count):
        for _ in range(count):
            optimizer.zero_grad()
            network(inputs).square().sum().backward()
            optimizer.step()
            schedule.step()

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    optimizer, schedule = parts(network)
    steps(network, optimizer, schedule, 7)
    other, saved = copy.deepcopy(network), copy.deepcopy([optimizer.state_dict(), schedule.state_dict()])
    steps(network, optimizer, schedule, 9)
    resumed, its_schedule = parts(other)
    resumed.load_state_dict(saved[0])
    its_schedule.load_state_dict(saved[1])
    steps(other, resumed, its_schedule, 9)
    for ours, theirs in zip(other.parameters(), network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert [group["lr"] for group in resumed.param_groups] == [group["lr"] for group in optimizer.param_groups]


OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda parameters: torch.optim.RMSprop(
        parameters, 0.1, alpha=0.9, eps=0.0316, weight_decay=0.01, momentum=0.8
    ),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, 0.1, betas=(0.8, 0.95), eps=0.0316, weight_decay=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_torchs_own_with_the_recipes_settings(name):
    chosen = recipe(
        optimizer={
            "name": name,
            "learning_rate": 0.1,
            "momentum": 0.8,
            "nesterov": name == "sgd",
            "alpha": 0.9,
            "eps": 0.0316,
            "betas": (0.8, 0.95),
            "weight_decay": 0.01,
        }
    )
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    theirs = copy.deepcopy(ours)
    inputs = torch.rand(6, 5)
    optimizers = make_optimizer(ours, chosen), OPTIMIZERS[name](theirs.parameters())
    for _ in range(5):
        for network, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            network(inputs).square().sum().backward()
            optimizer.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


FAMILIES = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11_bn",
    "vit_b_32",
]
DECAYS = {"weight_decay": 4.0, "norm_weight_decay": 1.0, "bias_weight_decay": 2.0, "embedding_weight_decay": 3.0}


@pytest.mark.parametrize("variant", FAMILIES)
def test_every_parameter_has_the_weight_decay_of_what_it_is(variant):
    with torch.device("meta"):
        network = get_model(variant)
    groups = parameter_groups(network, recipe(optimizer=DECAYS))
    decays = {id(own): group["weight_decay"] for group in groups for own in group["params"]}
    assert len(decays) == sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    for path, module in network.named_modules():
        for name, own in module.named_parameters(recurse=False):
            if "Norm" in type(module).__name__:
                expected = 1.0
            elif name == "bias" or name == "in_proj_bias":
                expected = 2.0
            elif isinstance(module, (nn.Linear, nn.Conv2d, nn.MultiheadAttention)):
                expected = 4.0
            else:
                # What a network has of its own is known: a new kind has to be looked at.
                assert name in {*EMBEDDINGS, "layer_scale", "logit_scale"}, (path, name)
                expected = 3.0 if name in EMBEDDINGS else 4.0
            assert decays[id(own)] == expected, (path, name)


def test_an_exception_that_is_left_out_is_none_and_zero_is_one():
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    (group,) = parameter_groups(network, recipe(optimizer={"weight_decay": 0.1}))
    assert len(group["params"]) == 4
    assert group["weight_decay"] == 0.1
    chosen = recipe(optimizer={"weight_decay": 0.1, "norm_weight_decay": 0.0})
    assert [group["weight_decay"] for group in parameter_groups(network, chosen)] == [0.1, 0.0]


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm2d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)]
)
def test_the_bias_of_a_norm_is_a_norms(norm):
    assert isinstance(norm, NORMS)
    (group,) = parameter_groups(nn.Sequential(norm), recipe(optimizer=DECAYS))
    assert group["weight_decay"] == 1.0


def test_the_trunks_rate_follows_the_schedule_of_the_heads():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    chosen = recipe(trunk_rate=0.1, schedule={"min_learning_rate": 0.3, "warmup_epochs": 2})
    optimizer = make_optimizer(network, chosen, trunk=["0.weight", "0.bias"])
    schedule = make_schedule(optimizer, chosen, 1)
    for _ in range(chosen.epochs + 1):
        trunk, head = (group["lr"] for group in optimizer.param_groups)
        assert trunk == pytest.approx(0.1 * head)
        schedule.step()
    assert head == 0.3


def test_what_is_frozen_has_no_optimizer():
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    network[0].requires_grad_(False)
    (group,) = make_optimizer(network, recipe()).param_groups
    assert {id(own) for own in group["params"]} == {id(own) for own in network[1].parameters()}
    network.requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter that is trained"):
        make_optimizer(network, recipe())


def test_a_trunk_that_is_not_of_the_network_is_refused():
    with pytest.raises(ValueError, match=r"no parameters module\.weight"):
        make_optimizer(nn.Linear(2, 2), recipe(), trunk=["module.weight"])


def test_an_epoch_without_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        make_schedule(plain_optimizer(0.1), recipe(), 0)
