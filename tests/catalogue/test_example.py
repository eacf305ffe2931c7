"""The example of a package, installed as anyone installs it, and used; and the examples of the pages, run."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import multiweight

ROOT = Path(__file__).parents[2]
SOURCE = Path(multiweight.__file__).parents[1]
EXAMPLE = ROOT / "examples" / "mylab_weights"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example installed in it."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--target", str(folder / "site"), str(folder / "source")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def run(site, tmp_path):
    """Runs Python, or a command line, where the example is installed."""

    def run(*arguments, cwd=tmp_path, **environment):
        ran = subprocess.run(
            [
                sys.executable,
                "-W",
                "error",
                *(("-m", *arguments) if arguments[0] == "multiweight" else ("-c", *arguments)),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=cwd,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(SOURCE), str(site)]),
                "TORCH_HOME": str(tmp_path / "torch"),
                "MULTIWEIGHT_OFFLINE": "1",
                **environment,
            },
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_what_is_installed_is_small_typed_and_whole(site):
    inside = {path.name: path.stat().st_size for path in (site / "mylab_weights").iterdir() if path.is_file()}
    assert set(inside) == {"__init__.py", "catalogue.py", "network.py", "py.typed", "labnet_digits.safetensors"}
    assert inside["labnet_digits.safetensors"] <= 100_000


def test_asking_imports_no_torch(run):
    code = """
        import sys
        from multiweight.cli import main
        main({!r}, standalone_mode=False)
        assert not {{"torch", "numpy", "PIL", "mylab_weights.network"}} & set(sys.modules)
    """
    for arguments, words in (
        (["list", "mylab"], "LabNet_Weights.DIGITS_V1"),
        (
            ["show", "mylab/labnet"],
            "from mylab_weights.network import labnet; from mylab_weights.catalogue import LabNet_W",
        ),
        (["show", "shufflenet_v2_x0_5"], "MyLab_ShuffleNet_V2_X0_5_Weights.ZIFFERN_V1"),
        (["verify", "LabNet_Weights.DIGITS_V1"], "right"),
        (["list", "--json", "ziffern"], "sieben"),
    ):
        assert words in run(re.sub(r"^ {8}", "", code, flags=re.MULTILINE).format(arguments))
    assert "LabNet" not in run("multiweight", "list", MULTIWEIGHT_PLUGINS="0")


def test_it_is_used_as_ours_and_is_as_good_as_it_says(run):
    pytest.importorskip("sklearn")
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, torch
torch.set_num_threads(1)
from PIL import Image
from multiweight import Predictor, get_model, get_model_weights, get_weight
from multiweight.errors import UnknownNameError
from multiweight.models import shufflenet_v2_x0_5
from mylab_weights.catalogue import LabNet_Weights, MyLab_ShuffleNet_V2_X0_5_Weights
from train import scans

entry = get_weight("labnet_weights.digits_v1")
assert entry is LabNet_Weights.DIGITS_V1 is get_model_weights("mylab/labnet").DEFAULT
assert sum(each.numel() for each in get_model("mylab/labnet", weights=entry).parameters()) == entry.meta.num_params
for name in ("LabNett_Weights.DIGITS_V1", "LabNet_Weights.DIGIT_V1"):
    try:
        get_weight(name)
    except UnknownNameError as error:
        assert "Did you mean" in str(error) and ("LabNet_Weights" in str(error) or "DIGITS_V1" in str(error))

pictures, targets, held_out = scans()
chosen = held_out.nonzero().flatten().tolist()
predictor = Predictor("mylab/labnet", device="cpu", top=1, batch_size=60)
found = [int(answer.label) for answer in predictor.stream(pictures[number] for number in chosen)]
accuracy = 100 * np.mean(np.array(found) == targets[chosen].numpy())
assert abs(accuracy - entry.meta["acc@1"]) < 1e-3, accuracy
assert Predictor(MyLab_ShuffleNet_V2_X0_5_Weights.ZIFFERN_V1, device="cpu")(pictures[0]).label == "null"

ours = shufflenet_v2_x0_5(weights="DIGITS_V2").eval()
theirs = shufflenet_v2_x0_5(weights="MyLab_ShuffleNet_V2_X0_5_Weights.ZIFFERN_V1").eval()
x = torch.rand(1, 3, 64, 64)
assert torch.equal(ours(x), theirs(x))
print("done")
"""
    assert run(code, str(EXAMPLE)).strip() == "done"


def test_its_pages_tell_the_truth():
    said = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"^\| `([\w./]+)`", said, re.MULTILINE):
        assert (EXAMPLE / name).exists(), name


def blocks(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(page):
    """The commands of a page's console blocks: the variables that are set before each, and its words."""
    for language, text in blocks(page):
        for line in text.splitlines() if language == "console" else ():
            words = shlex.split(line.removeprefix("$ "))
            at = words.index("multiweight")
            yield dict(word.split("=", 1) for word in words[:at]), words[at:]


@pytest.fixture
def place(tmp_path):
    """A project's folder with what the pages name: the examples, and the team's catalogue as its page has it."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    shutil.copytree(ROOT / "examples" / "digits", folder / "examples" / "digits")
    (team,) = (text for language, text in blocks("catalogues.md") if language == "json")
    (folder / "team.json").write_text(team, encoding="utf-8")
    return folder


def test_the_commands_of_the_pages_run(place, run):
    ran = [
        (words[1], run(*words, cwd=place, **environment))
        for page in ("catalogues.md", "locking.md")
        for environment, words in commands(page)
    ]
    outputs = dict(ran)
    assert len(ran) >= 8
    assert {"list", "show", "lock", "predict", "pack", "unpack"} <= outputs.keys() | {"list"}
    assert json.loads(outputs["predict"])["predictions"][0]["label"] == "0"
    (lock,) = (text for language, text in blocks("locking.md") if language == "json")
    assert (place / "weights.lock").read_text(encoding="utf-8") == lock


def test_the_code_of_the_pages_runs(place, run):
    """The enums as they stand there; and the team's entry, for which there is a file."""
    enums, team, policy = (text for language, text in blocks("catalogues.md") if language == "python")
    names = [node.name for node in ast.parse(enums).body if isinstance(node, ast.ClassDef)]
    assert run(f"{enums}\nprint({', '.join(f'{name}.DEFAULT' for name in names)})").split() == [
        f"{name}.FLOWERS_V1" for name in names
    ]
    make = """
from safetensors.torch import save_file
from multiweight.models import resnet18
save_file(resnet18(num_classes=2).state_dict(), "flowers.safetensors")
"""
    assert (
        run(f"{make}{team}\nprint(model.fc.out_features, type(preset).__name__)", cwd=place)
        == "2 ImageClassification\n"
    )
    (printed,) = (text for language, text in blocks("catalogues.md") if language == "text")
    assert run(policy, cwd=place) == printed


def test_the_files_that_the_pages_name_are_there():
    for page in ("catalogues.md", "locking.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / "docs" / target).exists(), target
