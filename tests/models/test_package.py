"""`multiweight.models` as people use it: names in `__dict__`, cheap to import."""

import subprocess
import sys

from multiweight import models

REGISTRY = {"get_model", "get_model_builder", "get_model_weights", "get_weight", "list_models"}


def test_lower_case_callables_are_builders_or_the_registrys():
    """Half the world finds the builders so."""
    found = {
        name for name, value in vars(models).items() if name.islower() and not name.startswith("__") and callable(value)
    }
    assert found == {*models.list_models(module=models), *REGISTRY}


def test_public_names_are_there_once_and_documented():
    assert len(set(models.__all__)) == len(models.__all__)
    public = {name for name in dir(models) if not name.startswith("_")}
    # torchvision exports two names with an underscore.
    assert public == set(models.__all__) - {"_GoogLeNetOutputs", "_InceptionOutputs"}
    for name in public:
        assert getattr(models, name).__doc__, name


def test_the_packages_in_it_come_when_they_are_asked_for():
    script = (
        "import sys, multiweight.models as models\n"
        "packages = ('detection', 'optical_flow', 'quantization', 'segmentation', 'video')\n"
        "assert not [name for name in packages if f'multiweight.models.{name}' in sys.modules]\n"
        "assert models.detection is sys.modules['multiweight.models.detection']\n"
        "from multiweight.models import video\n"
        "assert video.r3d_18\n"
        "assert not hasattr(models, 'no_such_task')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_models_can_be_looked_up_in_the_dictionary():
    network = models.__dict__["shufflenet_v2_x0_5"](num_classes=3)
    assert network.fc.out_features == 3


def test_builders_of_families_are_those_of_the_package():
    for family in (models.resnet, models.shufflenetv2):
        assert set(family.__all__) <= set(vars(family))
        for name in set(family.__all__) & set(models.__all__):
            assert vars(family)[name] is vars(models)[name]


def test_importing_brings_next_to_nothing_that_torch_does_not_bring():
    script = (
        "import sys, torch\n"
        "before = set(sys.modules)\n"
        "import multiweight.models\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
        "print(*sorted(name for name in set(sys.modules) - before if name.startswith(('torch', 'sympy'))))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    packages, heavy = run.stdout.splitlines()
    assert set(packages.split()) - sys.stdlib_module_names == {"lazy_loader", "multiweight"}
    assert heavy == ""
