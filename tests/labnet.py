"""A variant of another package, whose builder knows nothing of ours, with tied layers in its network."""

from torch import nn

from multiweight.catalogue import ImageClassification, Weights, WeightsEnum


class LabNet(nn.Module):
    def __init__(self, width=8, classes=3):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = self.one
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem(x).relu()
        return self.head(self.two(self.one(x).relu()).mean((2, 3)))


class LabNet_Weights(WeightsEnum, variant="mylab/labnet", builder="tests.labnet:labnet"):
    FLOWERS_V1 = Weights(
        url="package://tests/none.safetensors",
        transforms=ImageClassification(crop_size=48),
        meta={"categories": ("rose", "daisy", "tulip"), "min_size": (16, 16), "metrics": {}, "file_size": 0.1},
    )
    DEFAULT = FLOWERS_V1


def labnet(*, weights=None, progress=True, width=8):
    model = LabNet(width)
    if weights is not None:
        model.load_state_dict(LabNet_Weights.verify(weights).get_state_dict(progress=progress))
    return model
