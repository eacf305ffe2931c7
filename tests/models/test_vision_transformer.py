"""What is particular to the Vision Transformer."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.errors import MismatchError
from multiweight.models import vision_transformer
from multiweight.models._builder import assign
from multiweight.models.vision_transformer import ConvStemConfig, VisionTransformer, interpolate_embeddings
from tests.models.twins import assert_same_tensors, assert_twins
from tests.reference import torchvision

BUILDERS = [getattr(vision_transformer, name) for name in vision_transformer.__all__ if name.startswith("vit_")]
ENTRIES = [(builder, entry) for builder in BUILDERS for entry in builder.weights_enum]
SMALL = {
    "image_size": 32,
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 12,
    "mlp_dim": 20,
    "num_classes": 5,
}


def stirred(network):
    """The network with other than its initial tensors: its head is zero, so that nothing else would show."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=0.1)
    return network.eval()


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.__name__)
def test_settings_without_tensors_are_torchvisions(builder):
    with torch.device("meta"):
        assert repr(builder()) == repr(getattr(torchvision().models, builder.__name__)())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.3, "attention_dropout": 0.2},
        {"representation_size": 7},
        {"norm_layer": partial(nn.LayerNorm, eps=0.1, bias=False)},
    ],
    ids=str,
)
def test_any_option_is_torchvisions(options):
    size = (3, 3, 32, 32)
    assert_twins("vision_transformer", lambda family: family.VisionTransformer(**SMALL, **options), size)
    assert_twins("vision_transformer", lambda family: stirred(family.VisionTransformer(**SMALL, **options)), size)


def test_a_convolutional_stem_is_torchvisions():
    def make(family):
        stem = [
            family.ConvStemConfig(4, 3, 2),
            family.ConvStemConfig(6, 5, 4, partial(nn.GroupNorm, 2), nn.Hardtanh),
        ]
        return stirred(family.VisionTransformer(**SMALL, conv_stem_configs=stem))

    network = assert_twins("vision_transformer", make, (3, 3, 32, 32))
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"image_size": 30}, "image_size must be a multiple of patch_size; got 30 and 8"),
        ({"num_heads": 5}, "hidden_dim must be a multiple of num_heads; got 12 and 5"),
        ({"conv_stem_configs": [ConvStemConfig(4, 3, 2)] * 2}, "must multiply to patch_size=8; got 4"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        VisionTransformer(**{**SMALL, **wrong})


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["eager", "scripted", "exported"])
def test_a_picture_of_another_size_is_refused_in_every_format(kind):
    network = VisionTransformer(**SMALL).eval()
    expected = pytest.raises(AssertionError, match="built for pictures of 32 x 32 pixels; got 32 x 24")
    if kind == "scripted":
        network = torch.jit.script(network)
        expected = pytest.raises(torch.jit.Error, match="built for pictures of 32 x 32 pixels; got 32 x 24")
    elif kind == "exported":
        network = torch.export.export(network, (torch.rand(2, 3, 32, 32),)).module()
        expected = pytest.raises(AssertionError, match="32")
    with expected:
        network(torch.rand(2, 3, 32, 24))


@pytest.mark.parametrize(("builder", "entry"), ENTRIES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_weights_decide_on_the_size_of_pictures(monkeypatch, builder, entry):
    monkeypatch.setattr(vision_transformer, "build", lambda *_, **options: options)
    side = entry.transforms.crop_size
    assert builder(weights=entry)["image_size"] == side
    assert builder(weights=entry, image_size=side, dropout=0.5).items() >= {"image_size": side, "dropout": 0.5}.items()
    assert builder(weights=entry, image_size=side)["resize"] == side


def in_old_layout(state):
    """The state dict as files have it that were published when an MLP's layers had names."""
    old = {}
    for key, tensor in state.items():
        old[key.replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2")] = tensor
    assert sum(".linear_" in key for key in old) == 2 * 2 * SMALL["num_layers"]
    return old


def test_files_in_the_old_layout_fit():
    trained, pictures = stirred(VisionTransformer(**SMALL)), torch.rand(2, 3, 32, 32)
    state = in_old_layout(trained.state_dict())
    keys = list(state)
    network = VisionTransformer(**SMALL).eval()
    assign(network, state, source="an old file")
    assert torch.equal(network(pictures), trained(pictures))
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert list(state) == keys


def test_the_old_layout_fits_by_torchs_own_way_and_where_it_is_part_of_more():
    trained, pictures = stirred(VisionTransformer(**SMALL)), torch.rand(2, 3, 32, 32)
    wrapper = nn.ModuleDict({"backbone": VisionTransformer(**SMALL).eval()})
    state = in_old_layout(trained.state_dict())
    wrapper.load_state_dict({f"backbone.{key}": tensor for key, tensor in state.items()})
    assert torch.equal(wrapper["backbone"](pictures), trained(pictures))


def test_what_is_missing_in_an_old_file_is_missed():
    state = in_old_layout(VisionTransformer(**SMALL).state_dict())
    del state["encoder.layers.encoder_layer_1.mlp.linear_2.bias"]
    with pytest.raises(MismatchError, match=r"1 missing: encoder.layers.encoder_layer_1.mlp.3.bias"):
        assign(VisionTransformer(**SMALL), state, source="an old file")


def test_old_names_in_a_new_file_are_unexpected():
    state = VisionTransformer(**SMALL).state_dict()
    state["encoder.layers.encoder_layer_1.mlp.linear_2.bias"] = torch.zeros(12)
    with pytest.raises(MismatchError, match=r"1 unexpected: encoder.layers.encoder_layer_1.mlp.linear_2.bias"):
        assign(VisionTransformer(**SMALL), state, source="a new file")


@settings(max_examples=25, deadline=None)
@given(
    side=st.integers(1, 6),
    new_side=st.integers(1, 6),
    mode=st.sampled_from(["bicubic", "bilinear"]),
    reset_heads=st.booleans(),
)
def test_interpolated_embeddings_are_torchvisions(side, new_side, mode, reset_heads):
    network = stirred(VisionTransformer(**{**SMALL, "image_size": 8 * side}))
    state = network.state_dict()
    answer = interpolate_embeddings(8 * new_side, 8, state, mode, reset_heads)
    expected = torchvision().models.vision_transformer.interpolate_embeddings(
        8 * new_side, 8, network.state_dict(), mode, reset_heads
    )
    # torchvision leaves the head in where the size stays.
    expected = {key: tensor for key, tensor in expected.items() if not (reset_heads and key.startswith("heads"))}
    assert_same_tensors(answer, expected)
    # The given state dict is left as it is, and the answer fits.
    assert state["encoder.pos_embedding"].shape[1] == side**2 + 1
    assert "heads.head.weight" in state
    larger = VisionTransformer(**{**SMALL, "image_size": 8 * new_side})
    missing, unexpected = larger.load_state_dict(answer, strict=False)
    assert missing == (["heads.head.weight", "heads.head.bias"] if reset_heads else [])
    assert unexpected == []


def test_embeddings_interpolate_by_every_mode():
    state = stirred(VisionTransformer(**SMALL)).state_dict()
    doubled = interpolate_embeddings(64, 8, state, "nearest")["encoder.pos_embedding"]
    given_patches = state["encoder.pos_embedding"][:, 1:].unflatten(1, (4, 4))
    doubled_patches = doubled[:, 1:].unflatten(1, (8, 8))
    assert torch.equal(doubled_patches, given_patches.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert torch.equal(doubled[:, 0], state["encoder.pos_embedding"][:, 0])


@pytest.mark.parametrize("shape", [(2, 17, 12), (1, 16, 12), (17, 12), (1, 0, 12)])
def test_embeddings_of_no_square_are_refused(shape):
    with pytest.raises(ValueError, match=r"Position embeddings have the shape .*; got \(" + str(shape[0])):
        interpolate_embeddings(64, 8, {"encoder.pos_embedding": torch.zeros(shape)})


def test_the_tokens_of_patches_can_be_had():
    """Who wants features calls this and the encoder, as with torchvision."""
    network = stirred(VisionTransformer(**SMALL))
    pictures = torch.rand(2, 3, 32, 32)
    tokens = torch.cat([network.class_token.expand(2, -1, -1), network._process_input(pictures)], 1)
    assert tokens.shape == (2, network.seq_length, network.hidden_dim) == (2, 17, 12)
    assert torch.equal(network.heads(network.encoder(tokens)[:, 0]), network(pictures))
