"""Every snippet of the announcement of the multi-weight API runs here, with only the import root changed.

The files are random weights under the published names in a cache of the test's own; only their hashes are not the
published ones, so the check of the name's hash is taken out, and nothing else.
"""

import hashlib
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import multiweight
from multiweight.models import ResNet50_Weights
from tests.published import publish, random_state

OLD_API = """
import torch

from PIL import Image
from multiweight import models as M
from multiweight.transforms import transforms as T


img = Image.open("test/assets/encode_jpeg/grace_hopper_517x606.jpg")

# Step 1: Initialize model
model = M.resnet50(pretrained=True)
model.eval()

# Step 2: Define and initialize the inference transforms
preprocess = T.Compose([
    T.Resize([256, ]),
    T.CenterCrop(224),
    T.PILToTensor(),
    T.ConvertImageDtype(torch.float),
    T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
])

# Step 3: Apply inference preprocessing transforms
batch = preprocess(img).unsqueeze(0)
prediction = model(batch).squeeze(0).softmax(0)

# Step 4: Use the model and print the predicted category
class_id = prediction.argmax().item()
score = prediction[class_id].item()
with open("imagenet_classes.txt", "r") as f:
    categories = [s.strip() for s in f.readlines()]
    category_name = categories[class_id]
print(f"{category_name}: **** {100 * score}%")
"""

NEW_API = """
from PIL import Image
from multiweight import models as PM


img = Image.open("test/assets/encode_jpeg/grace_hopper_517x606.jpg")

# Step 1: Initialize model
weights = PM.ResNet50_Weights.ImageNet1K_V1
model = PM.resnet50(weights=weights)
model.eval()

# Step 2: Initialize the inference transforms
preprocess = weights.transforms()

# Step 3: Apply inference preprocessing transforms
batch = preprocess(img).unsqueeze(0)
prediction = model(batch).squeeze(0).softmax(0)

# Step 4: Use the model and print the predicted category
class_id = prediction.argmax().item()
score = prediction[class_id].item()
category_name = weights.meta["categories"][class_id]
print(f"{category_name}: **** {100 * score}**%**")
"""

SEVERAL_WEIGHTS = """
from multiweight.models import resnet50, ResNet50_Weights

# Legacy weights with accuracy 76.130%
model = resnet50(weights=ResNet50_Weights.ImageNet1K_V1)

# New weights with accuracy 80.674%
model = resnet50(weights=ResNet50_Weights.ImageNet1K_V2)

# Best available weights (currently alias for ImageNet1K_V2)
model = resnet50(weights=ResNet50_Weights.default)

# No weights - random initialization
model = resnet50(weights=None)
"""

META = """
from multiweight.models import ResNet50_Weights

# Accessing a single record
size = ResNet50_Weights.ImageNet1K_V2.meta["size"]

# Iterating the items of the meta-data dictionary
for k, v in ResNet50_Weights.ImageNet1K_V2.meta.items():
    print(k, v)
"""

TRANSFORMS = """
from multiweight.models import ResNet50_Weights

# Initializing preprocessing at standard 224x224 resolution
preprocess = ResNet50_Weights.ImageNet1K.transforms()

# Initializing preprocessing at 400x400 resolution
preprocess = ResNet50_Weights.ImageNet1K.transforms(crop_size=400, resize_size=400)

# Once initialized the callable can accept the image data:
img_preprocessed = preprocess(img)
"""

BY_NAME = """
from multiweight.models import get_weight

# Weights can be retrieved by name:
assert get_weight("ResNet50_Weights.ImageNet1K_V1") == ResNet50_Weights.ImageNet1K_V1
assert get_weight("ResNet50_Weights.ImageNet1K_V2") == ResNet50_Weights.ImageNet1K_V2

# Including using the default alias:
assert get_weight("ResNet50_Weights.default") == ResNet50_Weights.ImageNet1K_V2
"""


@pytest.fixture(scope="module")
def states():
    """Random weights for both published entries."""
    published = [entry for entry in ResNet50_Weights if not entry.architecture]
    return {entry: random_state(entry, seed) for seed, entry in enumerate(published)}


@pytest.fixture(autouse=True)
def published_files(states, tmp_path_factory, monkeypatch):
    """A cache with both files under their published names, and the announcement's picture and label file."""
    folder = tmp_path_factory.mktemp("announcement")
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    publish(states, monkeypatch)
    picture = folder / "test/assets/encode_jpeg/grace_hopper_517x606.jpg"
    picture.parent.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 17, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((517, 606)).save(picture)
    (folder / "imagenet_classes.txt").write_text("\n".join(ResNet50_Weights.DEFAULT.meta["categories"]))
    monkeypatch.chdir(folder)
    return folder


def run(snippet, **names):
    namespace = dict(names)
    exec(compile(snippet, "<announcement>", "exec"), namespace)
    return namespace


def digest(model):
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in model.state_dict().values())).hexdigest()


def test_the_old_and_the_new_example_print_the_same(capsys):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(OLD_API)
    old = capsys.readouterr().out
    assert [str(warning.message) for warning in caught] == [
        "The parameter 'pretrained' is deprecated, please use 'weights' instead.",
        "Arguments other than a weight enum or `None` for 'weights' are deprecated. "
        "The current behavior is equivalent to passing `weights=ResNet50_Weights.IMAGENET1K_V1`. "
        "You can also use `weights=ResNet50_Weights.DEFAULT` to get the most up-to-date weights.",
    ]
    assert {warning.filename for warning in caught} == {"<announcement>"}
    run(NEW_API)
    new = capsys.readouterr().out
    label, score = old.strip().rstrip("%").split(": **** ")
    assert label in ResNet50_Weights.DEFAULT.meta["categories"]
    assert new.strip() == f"{label}: **** {score}**%**"


def test_several_weights_for_one_variant(states):
    lines = [line for line in SEVERAL_WEIGHTS.splitlines() if line.startswith("model")]
    models = [run(SEVERAL_WEIGHTS.splitlines()[1] + "\n" + line)["model"] for line in lines]
    run(SEVERAL_WEIGHTS)
    v1, v2 = (hashlib.sha256(b"".join(t.numpy().tobytes() for t in s.values())).hexdigest() for s in states.values())
    assert [digest(model) for model in models[:3]] == [v1, v2, v2]
    assert digest(models[3]) not in (v1, v2)


def test_meta_is_a_mapping(capsys):
    assert run(META)["size"] == (224, 224)
    printed = capsys.readouterr().out
    for key in ("categories", "recipe", "metrics", "num_params", "interpolation"):
        assert f"\n{key} " in "\n" + printed
    assert ResNet50_Weights.ImageNet1K_V1.meta["acc@1"] == 76.130


def test_transforms_take_another_resolution():
    img = Image.open("test/assets/encode_jpeg/grace_hopper_517x606.jpg")
    assert run(TRANSFORMS, img=img)["img_preprocessed"].shape == (3, 400, 400)
    assert ResNet50_Weights.ImageNet1K.transforms()(img).shape == (3, 224, 224)


def test_weights_are_found_by_name():
    run(BY_NAME, ResNet50_Weights=ResNet50_Weights)
    assert multiweight.get_weight("ResNet50_Weights.default") is ResNet50_Weights.IMAGENET1K_V2


def test_the_deprecated_calls_say_so_and_are_equivalent(states):
    calls = {
        "resnet50(weights=ResNet50_Weights.ImageNet1K_V1)": [],
        "resnet50(pretrained=True)": ["pretrained", "Arguments other than"],
        "resnet50(True)": ["positional", "Arguments other than"],
        "resnet50(weights=None)": [],
        "resnet50(pretrained=False)": ["pretrained", "Arguments other than"],
        "resnet50(False)": ["positional", "Arguments other than"],
        "resnet50(None)": ["positional"],
    }
    digests = {}
    for call, said in calls.items():
        torch.manual_seed(3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            namespace = run(
                f"model = multiweight.models.{call}", multiweight=multiweight, ResNet50_Weights=ResNet50_Weights
            )
        assert len(caught) == len(said), call
        for warning, words in zip(caught, said, strict=True):
            assert warning.category is UserWarning
            assert words in str(warning.message)
            assert warning.filename == "<announcement>"
        digests[call] = digest(namespace["model"])
    with_weights, without = list(digests.values())[:3], list(digests.values())[3:]
    assert len(set(with_weights)) == 1
    assert len(set(without)) == 1
    assert with_weights[0] != without[0]


def test_the_snippets_need_nothing_of_this_process(published_files):
    """The new example as a script of its own, with no fixture in its process but the folder and the environment."""
    script = textwrap.dedent(
        """
        import multiweight.store.hashes
        multiweight.store.hashes.published_hash = lambda url: None
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script + NEW_API],
        cwd=published_files,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "**** " in ran.stdout
