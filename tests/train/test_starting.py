import copy
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from torch import nn

from multiweight.catalogue import ImageClassification, WeightsEnum, get_model_weights
from multiweight.catalogue._file import Header
from multiweight.errors import MismatchError, RecipeError, UnknownWeightsError
from multiweight.models import get_model, shufflenet_v2_x0_5
from multiweight.models._builder import without_initialisation
from multiweight.store.save import save_weights
from multiweight.train.optimisation import make_optimizer
from multiweight.train.starting import frozen_batch_norms, head_of, start, train_mode
from tests.models.support import EACH_VARIANT, VARIANTS, without_files
from tests.train.parts import recipe

SHIPPED = "ShuffleNet_V2_X0_5_Weights.DIGITS_V1"
DIGITS = tuple("0123456789")


@pytest.fixture
def no_files(monkeypatch):
    """Entries without their files: of each parameter only its shape counts."""
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})
    monkeypatch.setattr("multiweight.models._builder.assign", lambda model, state, source: None)
    monkeypatch.setattr("multiweight.train.starting._new", _without_tensors)


def _without_tensors(recipe, classes):
    return _fresh(recipe.variant, classes)


@lru_cache(maxsize=1)
def _fresh(variant, classes):
    with torch.device("meta"), without_initialisation():
        return get_model(variant, num_classes=classes)


@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_every_variant_gets_a_new_head_that_is_all_of_its_head(variant, no_files):
    # Of the vision transformers some are for larger pictures, which a builder alone does not make.
    entry = next(entry for entry in get_model_weights(variant) if "E2E" not in entry.name)
    with torch.device("meta"):
        began = start(recipe(variant=variant), tuple("abc"), entry)
    fresh = _fresh(variant, 3)
    shapes = {name: parameter.shape for name, parameter in fresh.named_parameters()}
    own = {name: parameter.shape for name, parameter in began.model.named_parameters()}
    # GoogLeNet's entry has no auxiliary heads.
    assert own == {name: shapes[name] for name in own}
    assert {name.split(".")[0] for name in shapes.keys() - own.keys()} <= {"aux1", "aux2"}
    assert began.head | began.trunk == own.keys()
    assert not began.head & began.trunk
    assert 1 <= len(began.head) <= 4
    # The head's layers are its alone: nothing that was loaded went with them.
    for layer in {name.rpartition(".")[0] for name in began.head}:
        assert isinstance(began.model.get_submodule(layer), (nn.Linear, nn.Conv2d))
        assert {f"{layer}.{name}" for name, _ in began.model.get_submodule(layer).named_parameters()} <= began.head
        assert layer in began.report
    assert "for 3 classes instead of 1000" in began.report
    settings = [(name, _settings(part)) for name, part in fresh.named_modules()]
    ours = dict(began.model.named_modules())
    assert [(name, _settings(ours[name])) for name, _ in settings if name in ours] == [
        (name, values) for name, values in settings if name in ours
    ]


def _settings(module):
    """What a module knows of itself in numbers, but for what weights change on purpose."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, (int, float)) and name not in ("training", "transform_input", "aux_logits")
    }


@pytest.mark.parametrize("variant", ["googlenet", "inception_v3"])
@pytest.mark.filterwarnings("ignore:The auxiliary heads")
def test_auxiliary_heads_are_new_too(variant, monkeypatch):
    without_files(monkeypatch)
    with torch.device("meta"):
        began = start(recipe(variant=variant, arguments={"aux_logits": True}), tuple("abc"), variant)
    heads = {
        name for name, part in began.model.named_modules() if isinstance(part, nn.Linear) and part.out_features == 3
    }
    assert {name.rpartition(".")[0] for name in began.head} == heads
    assert len(heads) == {"googlenet": 3, "inception_v3": 2}[variant]
    assert began.model.transform_input


def test_giants_are_among_the_variants():
    assert {"regnet_y_128gf", "vit_h_14"} <= set(VARIANTS)


def test_without_weights_it_is_the_builders_network_for_the_seed():
    before = torch.get_rng_state()
    began = start(recipe(seed=7, freeze=("nothing",), trunk_rate=0.5), ("cat", "dog"))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    expected = shufflenet_v2_x0_5(num_classes=2).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in began.model.state_dict().items())
    assert began.entry is None
    assert began.trunk == frozenset()
    assert began.head == {"fc.weight", "fc.bias"}
    assert began.report.splitlines() == [
        "shufflenet_v2_x0_5 begins with random tensors, seed 7, for 2 classes.",
        "What the recipe says of fine-tuning is not used, as there are no weights to start from.",
    ]


def test_arguments_of_the_recipe_reach_the_builder():
    began = start(recipe(variant="squeezenet1_1", arguments={"dropout": 0.125}), ("cat", "dog"))
    assert [part.p for part in began.model.modules() if isinstance(part, nn.Dropout)] == [0.125]


def test_a_new_head_has_the_seeds_tensors_and_the_trunk_the_files():
    before = torch.get_rng_state()
    began = start(recipe(seed=3, trunk_rate=0.1), ("cat", "dog", "bird"), SHIPPED)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(3)
    new = shufflenet_v2_x0_5(num_classes=3).state_dict()
    trained = shufflenet_v2_x0_5(weights="DIGITS_V1").state_dict()
    for name, tensor in began.model.state_dict().items():
        assert torch.equal(tensor, (new if name.startswith("fc.") else trained)[name]), name
    assert began.head == {"fc.weight", "fc.bias"}
    assert str(began.entry) == SHIPPED
    assert began.report.splitlines() == [
        f"shufflenet_v2_x0_5 begins with the tensors of {SHIPPED}, but for a new head: fc for 3 classes instead of 10, "
        "with random tensors, seed 3.",
        "The trunk learns at 0.1 of the head's rate.",
    ]
    rates = {
        id(own): group["lr"]
        for group in make_optimizer(began.model, recipe(trunk_rate=0.1), trunk=began.trunk).param_groups
        for own in group["params"]
    }
    assert {name for name, own in began.model.named_parameters() if rates[id(own)] == 0.5} == began.head


def test_as_many_classes_keep_the_head():
    began = start(recipe(), DIGITS, SHIPPED)
    trained = shufflenet_v2_x0_5(weights="DIGITS_V1").state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in began.model.state_dict().items())
    assert began.report == f"shufflenet_v2_x0_5 begins with all tensors of {SHIPPED}, its head for 10 classes included."
    other = start(recipe(), (*DIGITS[:9], "ten"), SHIPPED).report
    assert other == f"{began.report} Its classes had other names: 9 was '9' and is 'ten'."


def test_training_does_not_change_the_file_that_it_began_with():
    entry = get_model_weights("shufflenet_v2_x0_5")["DIGITS_V1"]
    file = Path(entry.url.removeprefix("file://")) if entry.url.startswith("file://") else None
    began = start(recipe(), DIGITS, SHIPPED)
    with torch.no_grad():
        for tensor in began.model.state_dict().values():
            tensor.zero_()
    again = shufflenet_v2_x0_5(weights="DIGITS_V1")
    assert again.fc.weight.abs().sum() > 0
    assert file is None or file.exists()


def test_what_is_frozen_does_not_change_and_neither_do_its_statistics():
    chosen = recipe(freeze=("conv1.*", "stage[23].*"), optimizer={"learning_rate": 0.1})
    began = start(chosen, ("cat", "dog"), SHIPPED)
    frozen = {name for name, own in began.model.named_parameters() if not own.requires_grad}
    assert frozen == {
        name for name, _ in began.model.named_parameters() if name.startswith(("conv1.", "stage2.", "stage3."))
    }
    assert not began.trunk & frozen
    norms = len(frozen_batch_norms(began.model))
    assert f"(conv1.*, stage[23].*), and with them the statistics of {norms} batch norms." in began.report
    before = copy.deepcopy(began.model.state_dict())
    optimizer = make_optimizer(began.model, chosen, trunk=began.trunk)
    for _ in range(2):
        train_mode(began.model)
        optimizer.zero_grad()
        began.model(torch.rand(4, 3, 64, 64)).square().sum().backward()
        optimizer.step()
    for name, tensor in began.model.state_dict().items():
        same = torch.equal(tensor, before[name])
        assert same is name.startswith(("conv1.", "stage2.", "stage3.")), name


def test_train_mode_without_anything_frozen_is_train():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2, affine=False), nn.Dropout()).eval()
    train_mode(model)
    assert all(part.training for part in model.modules())
    model[0].weight.requires_grad_(False)
    train_mode(nn.Sequential(model))
    assert [part.training for part in model] == [True, True, True]
    model[0].bias.requires_grad_(False)
    train_mode(nn.Sequential(model))
    assert [part.training for part in model] == [False, True, True]


@pytest.mark.parametrize(
    ("pattern", "near"), [("stage_2.*", r"stage2\.\*"), ("fc.weigth", r"fc\.weight"), ("features.*", "")]
)
def test_a_pattern_that_freezes_nothing_is_an_error(pattern, near):
    with pytest.raises(RecipeError, match=rf"plain: \[fine_tuning\] freeze: .* no parameter '.*'\..*{near}"):
        start(recipe(freeze=(pattern,)), DIGITS, SHIPPED)


def test_freezing_all_is_an_error():
    with pytest.raises(RecipeError, match="nothing of shufflenet_v2_x0_5 is left to be trained"):
        start(recipe(freeze=("*",)), DIGITS, SHIPPED)


def test_weights_of_another_variant_are_refused():
    with pytest.raises(
        MismatchError, match=r"trains shufflenet_v2_x0_5; ResNet18_Weights\.IMAGENET1K_V1 is of resnet18"
    ):
        start(recipe(), DIGITS, "resnet18")
    with pytest.raises(UnknownWeightsError, match="Did you mean"):
        start(recipe(), DIGITS, "ShuffleNet_V2_X0_5_Weights.DIGITS_V9")


def test_a_data_set_without_classes_is_refused():
    with pytest.raises(ValueError, match="at least one class"):
        start(recipe(), ())


def test_looking_for_the_head_draws_nothing():
    before = torch.get_rng_state()
    assert head_of("vit_b_32", {}, 10) == {"heads.head.weight": (10, 768), "heads.head.bias": (10,)}
    assert torch.equal(torch.get_rng_state(), before)


def test_a_weights_file_is_what_training_can_start_from(tmp_path):
    torch.manual_seed(0)
    trained, path = shufflenet_v2_x0_5(num_classes=3), tmp_path / "best.safetensors"
    header = Header(
        variant="shufflenet_v2_x0_5", labels=("cat", "dog", "bird"), preset=ImageClassification(crop_size=32)
    )
    save_weights(trained.state_dict(), path, header)
    for reference in (path, str(path)):
        began = start(recipe(), ("cat", "dog", "bird"), reference)
        expected = trained.state_dict()
        assert all(torch.equal(tensor, expected[name]) for name, tensor in began.model.state_dict().items())
    assert "for 2 classes instead of 3" in start(recipe(), ("cat", "dog"), path).report


def test_a_quantized_variant_is_not_trained():
    with pytest.raises(RecipeError, match="quantized_resnet18 cannot be trained.* Train resnet18"):
        start(recipe(variant="quantized_resnet18"), ("cat", "dog"))
