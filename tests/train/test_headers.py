"""What a run writes into its files makes the network that it trained, for every family with a network under 30 M."""

from types import SimpleNamespace

import pytest
import torch

from multiweight import get_model, get_model_weights
from multiweight.catalogue import ImageClassification
from multiweight.evaluate import Counts
from multiweight.store.save import save_weights
from multiweight.train import override
from multiweight.train.headers import header_of
from multiweight.train.starting import start
from tests.models.support import VARIANTS, inputs_of, relative_error
from tests.models.twins import assert_same_tensors
from tests.train.runs import PLAIN

CLASSES = ("blue", "green", "red")


def smallest_of_each_family():
    found = {}
    for variant in VARIANTS:
        enum = get_model_weights(variant)
        this = enum["DEFAULT"].meta["num_params"], variant
        found[enum.__module__] = min(found.get(enum.__module__, this), this)
    # What is larger takes seconds to write, and has no options that weights change.
    return sorted(variant for size, variant in found.values() if size < 30e6)


@pytest.mark.parametrize("variant", smallest_of_each_family())
def test_a_file_makes_the_network_that_was_trained(variant, tmp_path):
    recipe = override(PLAIN, [f"variant={variant}"])
    network = start(recipe, CLASSES).model.eval()
    counts = Counts(len(CLASSES))
    counts.add(torch.eye(3), torch.arange(3))
    pictures = SimpleNamespace(classes=CLASSES, preset=ImageClassification(crop_size=32), about={"name": "colours"})
    header = header_of(recipe, pictures, counts, network=network, epoch=1, parent=None)
    path = tmp_path / "last.safetensors"
    save_weights(network.state_dict(), path, header)
    given = get_model(variant, weights=path).eval()
    trained = network.state_dict()
    # Of GoogLeNet the auxiliary heads stay behind.
    assert_same_tensors(given.state_dict().items(), {key: trained[key] for key in given.state_dict()}.items())
    inputs = inputs_of(variant)
    with torch.inference_mode():
        # Not equal everywhere: tensors in a mapped file begin at other addresses, and the order in which
        # some processors' libraries add depends on these.
        assert relative_error(given(*inputs), network(*inputs)) < 5e-6
