"""What is particular to S3D."""

import pytest
import torch
from torch import nn

from multiweight.models.video import S3D
from tests.models.twins import assert_twins


class Pooled(nn.Module):
    """Layers, and the mean over the clip."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, x):
        return self.layers(x).mean((2, 3, 4))


@pytest.mark.parametrize("settings", [(3, 1, 1), (7, 2, 3), (5, 2, 0)])
def test_any_separable_convolution_is_torchvisions(settings):
    def make(family):
        return Pooled(family.TemporalSeparableConv(3, 5, *settings, nn.BatchNorm3d))

    assert_twins("video.s3d", make, (2, 3, 8, 13, 12))


def test_any_block_is_torchvisions():
    def make(family):
        return Pooled(family.SepInceptionBlock3D(4, 3, 2, 5, 1, 2, 6, nn.BatchNorm3d))

    network = assert_twins("video.s3d", make, (2, 4, 4, 7, 6))
    assert network.layers(torch.rand(1, 4, 2, 3, 5)).shape == (1, 3 + 5 + 2 + 6, 2, 3, 5)


def test_smallest_clips_and_what_is_said_of_smaller_ones():
    with torch.device("meta"):
        network = S3D(num_classes=5).eval()
        assert network(torch.empty(2, 3, 13, 209, 209)).shape == (2, 5)
        for size in ((12, 224, 224), (16, 208, 224), (16, 224, 208)):
            with pytest.raises(
                ValueError, match="at least 13 frames of 209×209 pixels; got {} frames of {}×{}".format(*size)
            ):
                network(torch.empty(2, 3, *size))


def test_of_longer_clips_and_larger_pictures_the_mean_is_given():
    network = S3D(num_classes=3).eval()
    network.features = nn.Identity()
    features = torch.rand(2, 1024, 3, 8, 7)
    parts = [features[:, :, time : time + 2, top : top + 7] for time in (0, 1) for top in (0, 1)]
    torch.testing.assert_close(network(features), torch.stack([network(part) for part in parts]).mean(0))
