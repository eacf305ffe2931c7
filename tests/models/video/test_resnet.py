"""What is particular to the residual networks for clips."""

import pytest
import torch
from torch import nn

from multiweight.models.video import mc3_18, r2plus1d_18, r3d_18, resnet
from multiweight.models.video.resnet import BasicStem, Bottleneck, Conv3DSimple, VideoResNet
from tests.models.twins import assert_twins

KINDS = ["Conv3DSimple", "Conv3DNoTemporal", "Conv2Plus1D"]


class Block(nn.Module):
    """A block alone, and the mean over the clip."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x):
        return self.block(x).mean((2, 3, 4))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["BasicBlock", "Bottleneck"])
def test_any_block_is_torchvisions(name, kind):
    """With strides, and with a stage's convolution that is not the shortcut's."""

    def make(family):
        conv, block = getattr(family, kind), getattr(family, name)
        out = 4 * block.expansion
        shortcut = nn.Conv3d(6, out, 1, stride=conv.get_downsample_stride(2), bias=False)
        return Block(nn.Sequential(block(6, 4, conv, 2, shortcut), block(out, 4, conv)))

    assert_twins("video.resnet", make, (2, 6, 5, 9, 8))


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_bottlenecks_is_torchvisions(kind):
    """No published variant has them. The (2+1)D convolutions get the channels between from the block's own."""

    def make(family):
        kinds = [family.Conv3DSimple, *[getattr(family, kind)] * 3]
        return family.VideoResNet(family.Bottleneck, kinds, [1, 1, 1, 1], family.R2Plus1dStem, num_classes=3)

    assert_twins("video.resnet", make, (2, 3, 3, 17, 20))


def test_bottlenecks_can_start_as_the_identity():
    """In torchvision this option is an error for bottlenecks, and does nothing for the other block."""
    network = VideoResNet(Bottleneck, [Conv3DSimple] * 4, [2, 1, 1, 1], BasicStem, 3, zero_init_residual=True)
    bottlenecks = [module for module in network.modules() if isinstance(module, Bottleneck)]
    assert len(bottlenecks) == 5
    assert not any(block.conv3[1].weight.any() for block in bottlenecks)
    x = torch.rand(2, 256, 2, 4, 4)
    assert torch.equal(network.layer1[1].eval()(x), x)


@pytest.mark.parametrize(
    ("build", "frames"), [(r3d_18, (7, 4, 2, 1)), (r2plus1d_18, (7, 4, 2, 1)), (mc3_18, (7, 7, 7, 7))]
)
def test_stages_halve_time_but_in_mixed_convolutions(build, frames):
    with torch.device("meta"):
        network = build()
        x = network.stem(torch.empty(1, 3, 7, 50, 30))
        sizes = [tuple((x := getattr(network, f"layer{stage}")(x)).shape) for stage in (1, 2, 3, 4)]
    pixels = ((25, 15), (13, 8), (7, 4), (4, 2))
    assert sizes == [(1, 64 << stage, frames[stage], *pixels[stage]) for stage in range(4)]


def test_a_convolution_split_in_two_has_as_many_parameters():
    """Section 3.5 of the paper: the channels between the two are chosen so, and rounded down."""
    for channels_in, channels_out in ((64, 64), (64, 128), (256, 512)):
        between = resnet._midplanes(channels_in, channels_out)
        whole = channels_in * channels_out * 27
        split = [between_ * (channels_in * 9 + channels_out * 3) for between_ in (between, between + 1)]
        assert split[0] <= whole < split[1]


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
def test_one_program_takes_clips_of_any_size():
    kinds = [Conv3DSimple, resnet.Conv3DNoTemporal, resnet.Conv2Plus1D, Conv3DSimple]
    network = VideoResNet(resnet.BasicBlock, kinds, [1, 1, 1, 1], BasicStem, 3).eval()
    auto = torch.export.Dim.AUTO
    size = {0: torch.export.Dim("N"), 2: auto, 3: auto, 4: auto}
    programs = [
        torch.jit.script(network),
        torch.export.export(network, (torch.rand(2, 3, 9, 33, 40),), dynamic_shapes=(size,)).module(),
    ]
    with torch.no_grad():
        for shape in ((1, 3, 10, 36, 41), (3, 3, 12, 48, 48)):
            clips = torch.rand(shape)
            for program in programs:
                assert torch.equal(program(clips), network(clips))
