"""The rules of the house: what may be imported when, and that the door tells the truth."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import multiweight

SOURCE = Path(multiweight.__file__).parent
HEAVY = {"torch", "numpy", "PIL"}
OLD_NAMES = {"mobilenet"}
"""Modules that only re-export, for who imports by torchvision's old names."""


PACKAGES = {"detection", "optical_flow", "quantization", "segmentation", "video"}
"""The packages of `multiweight.models` that stand on the families of classification."""


def networks() -> set[str]:
    """The families of classification, by their network files."""
    return {path.stem for path in SOURCE.glob("models/*.py") if not path.stem.startswith("_")} - OLD_NAMES


def families() -> set[str]:
    """All families, by their entry files: `resnet`, `detection/fcos`."""
    paths = {path.relative_to(SOURCE / "catalogue") for path in (SOURCE / "catalogue").rglob("*.py")}
    return {path.with_suffix("").as_posix() for path in paths if not path.stem.startswith("_")}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running the code."""
    script = f"import sys\n{code}\nprint('modules:', *{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.rpartition("modules:")[2].split())


def command(*arguments: str) -> str:
    """Code that runs the command line in the same process."""
    return f"from multiweight.cli import main\nmain({list(arguments)!r}, standalone_mode=False)"


@pytest.mark.parametrize(
    "code",
    [
        "import multiweight",
        "import multiweight; dir(multiweight); multiweight.__version__",
        "import multiweight; multiweight.get_weight('ResNet50_Weights.DEFAULT').meta['categories']",
        "import multiweight.catalogue; multiweight.catalogue.list_models()",
        "import multiweight.store",
        "import multiweight.errors",
        command("--help"),
        command("list"),
        command("list", "--json"),
        command("show", "resnet50"),
        command("show", "quantized_resnet50"),
        *(
            command(name, "--help")
            for name in ("predict", "list", "show", "download", "verify", "cache", "lock", "pack", "unpack")
        ),
        command("cache", "list"),
    ],
)
def test_asking_never_imports_anything_heavy(code):
    assert not modules_after(code) & HEAVY


def test_the_door_and_its_list_agree():
    tree = ast.parse((SOURCE / "__init__.pyi").read_text())
    listed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert listed == set(multiweight.__all__)
    for name in listed:
        assert getattr(multiweight, name) is not None
    with pytest.raises(AttributeError):
        multiweight.no_such_name  # noqa: B018


@pytest.mark.parametrize("path", sorted(SOURCE.glob("models/**/*.py")), ids=lambda path: path.stem)
def test_no_family_knows_another_but_packages_stand_on_those_of_classification(path):
    tree = ast.walk(ast.parse(path.read_text()))
    modules = [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    imported = {module.split(".")[2] for module in modules if module.startswith("multiweight.models.")}
    if path.parent.name in PACKAGES:
        assert not imported & PACKAGES - {path.parent.name}
    elif path.stem not in {"__init__", *OLD_NAMES}:
        assert not imported & (networks() | PACKAGES)


def test_one_family_one_word():
    """Entries, network and tests of a family have the same name; a package may hold more than families."""
    assert networks() == {family for family in families() if "/" not in family}
    assert {family.partition("/")[0] for family in families() if "/" in family} == PACKAGES
    for family in families():
        assert (SOURCE / f"models/{family}.py").exists(), family
        folder, _, name = family.rpartition("/")
        assert (SOURCE.parents[1] / "tests/models" / folder / f"test_{name}.py").exists(), family


def test_the_catalogue_is_made_of_literals():
    """An entry file imports the schema, names what its entries share and defines enums; it computes nothing."""
    for path in SOURCE.glob("catalogue/**/*.py"):
        if path.stem.startswith("_"):
            continue
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, ast.Expr | ast.ImportFrom | ast.Assign | ast.ClassDef), (
                f"{path.name}: {node.lineno}"
            )
            assert not any(isinstance(part, ast.For | ast.While | ast.If | ast.Lambda) for part in ast.walk(node))


def test_nothing_is_imported_with_a_star():
    for path in SOURCE.rglob("*.py*"):
        if path.suffix in (".py", ".pyi"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    assert all(alias.name != "*" for alias in node.names), path
