"""`multiweight recipe`: list, show and diff, without torch, and the page that tells of them."""

import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from multiweight.train.recipe import (
    EMA,
    LIMITS,
    Augmentation,
    Evaluation,
    FineTuning,
    Optimizer,
    Precision,
    Recipe,
    Schedule,
    list_recipes,
    load_recipe,
    override,
    recipe_of,
)

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text()


class TestList:
    def test_names_every_recipe(self, run):
        result = run("recipe", "list")
        assert result.exit_code == 0
        assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list_recipes()

    @pytest.mark.parametrize(
        ("patterns", "expected"),
        [
            (["resnet50"], ["resnet50_v1", "resnet50_v2", "wide_resnet50_2_v2"]),
            (["ResNet5*_v1"], ["resnet50_v1"]),
            (["swin_t", "alex"], ["alexnet_v1", "swin_t_v1"]),
        ],
    )
    def test_takes_patterns(self, run, patterns, expected):
        result = run("recipe", "list", *patterns)
        assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == expected

    def test_says_what_a_recipe_is(self, run):
        line = run("recipe", "list", "resnet50_v2").stdout.splitlines()[1]
        assert line.split() == [
            *("resnet50_v2", "resnet50", "600", "1024", "sgd", "0.5", "cosine", "trivial_augment_wide", "176/232/224")
        ]

    def test_says_that_none_fits(self, run):
        result = run("recipe", "list", "no-such-recipe")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "No recipe fits" in result.stderr


class TestShow:
    @pytest.mark.parametrize("reference", ["resnet50_v2", "ResNet50_Weights.IMAGENET1K_V2", "resnet50"])
    def test_prints_what_can_be_run(self, run, reference):
        result = run("recipe", "show", reference)
        assert recipe_of(result.stdout, name="it") == load_recipe("resnet50_v2")

    def test_takes_other_settings(self, run):
        result = run("recipe", "show", "resnet50_v2", "--set", "epochs=9", "--set", "ema=none")
        assert recipe_of(result.stdout, name="it") == override(load_recipe("resnet50_v2"), ["epochs=9", "ema=none"])

    def test_of_a_file_is_resolved(self, run, tmp_path):
        text = 'extends = "bases/old"\ndescription = "Mine."\nvariant = "alexnet"\n'
        (tmp_path / "mine.toml").write_text(text)
        shown = run("recipe", "show", str(tmp_path / "mine.toml")).stdout
        assert recipe_of(shown, name="it") == load_recipe(tmp_path / "mine.toml")
        assert "extends" not in shown

    @pytest.mark.parametrize(
        ("arguments", "status", "text"),
        [
            (["resnet50_v3"], 2, "Did you mean resnet50_v"),
            (["DenseNet121_Weights.DEFAULT"], 1, "is not known here"),
            (["no.toml"], 1, "no.toml: there is no such file."),
            (["resnet50_v2", "--set", "epoch=1"], 1, "the top has no setting 'epoch'. Did you mean epochs?"),
            (["resnet50_v2", "--set", "epochs=5"], 1, "[schedule] warmup_epochs (5) must be below epochs (5)."),
        ],
    )
    def test_errors_are_one_message(self, run, arguments, status, text):
        result = run("recipe", "show", *arguments)
        assert result.exit_code == status
        assert text in result.stderr
        assert "Traceback" not in result.output


class TestDiff:
    def test_prints_the_settings_that_differ(self, run):
        result = run("recipe", "diff", "ResNet50_Weights.IMAGENET1K_V1", "resnet50_v2")
        rows = [re.split(r"  +", line) for line in result.stdout.splitlines()]
        assert rows[0] == ["setting", "resnet50_v1", "resnet50_v2"]
        assert ["epochs", "90", "600"] in rows
        assert ["schedule.name", "step", "cosine"] in rows
        assert ["ema.decay", "–", "0.99998"] in rows
        assert not {"name", "description", "source"} & {row[0] for row in rows}
        assert result.stdout.rstrip() in PAGE

    def test_says_that_nothing_does(self, run):
        assert run("recipe", "diff", "resnet18_v1", "resnet18_v1").stdout == (
            "resnet18_v1 and resnet18_v1 have the same settings.\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["recipe", "--help"],
        ["recipe", "list"],
        ["recipe", "show", "resnet50"],
        ["recipe", "diff", "resnet50", "swin_t"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments):
    code = f"import sys\nfrom multiweight.cli import main\nmain({arguments!r}, standalone_mode=False)\n"
    code += "sys.exit(', '.join({'torch', 'numpy', 'PIL'} & {*sys.modules}) or None)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_page_has_every_setting_with_its_range_and_what_it_is_unless_said():
    tables = {
        "The top": Recipe,
        "`[augmentation]`": Augmentation,
        "`[evaluation]`": Evaluation,
        "`[optimizer]`": Optimizer,
        "`[schedule]`": Schedule,
        "`[ema]`": EMA,
        "`[precision]`": Precision,
        "`[fine_tuning]`": FineTuning,
    }
    sections = dict(re.findall(r"^### (.+)\n\n((?:\|.+\n)+)", PAGE, re.MULTILINE))
    assert list(sections) == list(tables)
    for title, part in tables.items():
        rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in sections[title].splitlines()[2:]]
        expected = []
        for setting in fields(part):
            if part is Recipe and (setting.name == "arguments" or f"`[{setting.name}]`" in tables):
                continue
            key = setting.name if part is Recipe else f"{title.strip('`[]')}.{setting.name}"
            expected.append([f"`{setting.name}`", shown(setting), f"`{LIMITS[key]}`" if key in LIMITS else ""])
        assert rows == expected


def shown(setting):
    if setting.default is MISSING:
        return "required" if setting.default_factory is MISSING else "none"
    if setting.default is None:
        return "none"
    value = setting.default
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else str(value).replace('e-0', 'e-')}`"


def test_the_page_shows_recipes_that_can_be_followed(tmp_path):
    (example,) = re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)
    (tmp_path / "flowers.toml").write_text(example)
    recipe = load_recipe(tmp_path / "flowers.toml")
    assert recipe.fine_tuning.trunk_rate == 0.1
    assert recipe.ema is None
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names = {}
    exec(code, names)
    (said,) = re.findall(r"differences\(.+\)  # (.+)", code)
    assert repr(names["differences"](names["recipe"], names["shorter"])) == said.replace('"', "'")
