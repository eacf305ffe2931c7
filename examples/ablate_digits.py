"""Trains the digits weights by the old and the new recipe, and step by step from one to the other; writes the tables.

Every training is that of `multiweight train`, every figure that of `multiweight evaluate` on the 360 scans that are
held out. Trainings that are done are in `build/digits/results.jsonl`; one that was stopped is gone on with. So this can
be stopped at any time and started again:

    pip install "multiweight[train]"
    python examples/ablate_digits.py
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch

from multiweight.evaluate import evaluate
from multiweight.train import Recipe, differences, load_recipe, override, recipe_hash, train

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build/digits"
RESULTS = BUILD / "results.jsonl"
"""A line a training."""

PAGE = ROOT / "docs/digits.md"
SEEDS, LADDER_SEEDS = 5, 3
VARIANTS = ("shufflenet_v2_x0_5", "mobilenet_v2")

STEPS = {
    "old recipe": (),
    "learning-rate schedule": (
        "batch_size",
        "optimizer.learning_rate",
        "schedule.name",
        "schedule.step_epochs",
        "schedule.warmup_epochs",
    ),
    "TrivialAugment": ("augmentation.policy",),
    "longer": ("epochs", "evaluation.every"),
    "random erasing": ("augmentation.random_erasing",),
    "label smoothing": ("label_smoothing",),
    "mixup": ("augmentation.mixup",),
    "cutmix": ("augmentation.cutmix",),
    "weight decay": ("optimizer.weight_decay", "optimizer.norm_weight_decay"),
    "FixRes": ("evaluation.resize_size",),
    "EMA": ("ema.decay", "ema.every"),
    "repeated augmentation": ("augmentation.repetitions",),
}
"""What each step of the ablation takes over from the new recipe."""


class Training(NamedTuple):
    """One training of a table."""

    title: str
    recipe: Recipe
    seed: int

    @property
    def key(self) -> str:
        """Under which its figure is kept: a training with another recipe is another one."""
        return f"{recipe_hash(replace(self.recipe, name='any', description='any'))[:12]}-{self.seed}"


def ends(variant: str) -> tuple[Recipe, Recipe]:
    """The old and the new recipe of a variant."""
    old, new = (load_recipe(f"{variant}_digits_v{number}") for number in (1, 2))
    return old, new


def ladder(old: Recipe, new: Recipe) -> dict[str, Recipe]:
    """The recipe after each step; the last one is the new recipe."""
    wanted = {key: value for key, _, value in differences(old, new) if key not in ("name", "description")}
    steps = {
        title: override(old, [f"{key}={json.dumps(wanted[key])}" for key in keys])
        for title, keys in zip(STEPS, accumulate(STEPS.values()), strict=True)
    }
    *_, last = steps.values()
    left = [key for key, _, _ in differences(last, new) if key not in ("name", "description")]
    if left:
        raise SystemExit(f"No step takes over {', '.join(left)}.")
    return {**steps, [*steps][-1]: new}


def asides(steps: dict[str, Recipe]) -> dict[str, Recipe]:
    """What the table also shows, and no later step keeps: the training crop by the rule of lengths alone."""
    return {"aside: FixRes with a training crop of 28": override(steps["FixRes"], ["augmentation.crop_size=28"])}


def trainings(variants: Iterable[str], seeds: Iterable[int]) -> Iterator[Training]:
    """All that the tables need, the two ends first, so that what is there when time is up says most."""
    for seed in seeds:
        for variant in variants:
            for version, recipe in enumerate(ends(variant), 1):
                yield Training(f"{variant} V{version}", recipe, seed)
    for seed in seeds:
        if seed >= LADDER_SEEDS or VARIANTS[0] not in variants:
            continue
        steps = ladder(*ends(VARIANTS[0]))
        for title, recipe in {**steps, **asides(steps)}.items():
            yield Training(title, recipe, seed)


def results() -> dict[str, float]:
    """The top-1 accuracies of the trainings that are done, in percent."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {line["key"]: line["acc@1"] for line in map(json.loads, lines)}


def run(training: Training) -> None:
    """Trains and measures, and adds the figure to the results."""
    folder = BUILD / training.key
    made = train(training.recipe, data="digits", output=folder, resume=True, seed=training.seed, keep=1)
    measured = evaluate(made.last, data="digits", progress=False)
    line = {
        "key": training.key,
        "title": training.title,
        "seed": training.seed,
        "acc@1": round(measured.figures["acc@1"], 3),
        "file": str(made.last.relative_to(ROOT)),
    }
    # One write to the end of a file: two processes may work at the same time.
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    shutil.rmtree(folder / "checkpoints")
    print(f"{training.title}, seed {training.seed}: {line['acc@1']:.3f} %", flush=True)


def summary(figures: list[float]) -> str:
    """Mean and sample standard deviation."""
    spread = f" ± {statistics.stdev(figures):.2f}" if len(figures) > 1 else ""
    return f"{statistics.mean(figures):.2f}{spread}"


def ends_table(known: dict[str, float]) -> list[str]:
    """Both recipes of each variant, seed by seed, and what can be said of the difference."""
    lines = ["| weights | seed: " + " | ".join(map(str, range(SEEDS))) + " | mean ± spread |"]
    lines.append("| --- |" + " ---: |" * (SEEDS + 1))
    said: list[str] = []
    for variant in VARIANTS:
        old, new = (
            [known[key] for seed in range(SEEDS) if (key := Training("", recipe, seed).key) in known]
            for recipe in ends(variant)
        )
        for version, figures in ((1, old), (2, new)):
            cells = [*(f"{figure:.2f}" for figure in figures), *["–"] * (SEEDS - len(figures))]
            lines.append(f"| {variant} V{version} | {' | '.join(cells)} | {summary(figures)} |")
        said += ["", f"`{variant}`: {verdict(old, new)}"]
    return [*lines, *said]


def verdict(old: list[float], new: list[float]) -> str:
    """Whether the new recipe is better by more than the spread, in a sentence."""
    difference = statistics.mean(new) - statistics.mean(old)
    spread = max(statistics.stdev(old), statistics.stdev(new))
    what = "better" if difference > 0 else "worse"
    judged = "more" if abs(difference) > spread else "no more"
    return f"the new recipe is {what} by {abs(difference):.2f} points, {judged} than the larger spread, {spread:.2f}."


def ladder_table(known: dict[str, float]) -> list[str]:
    """The steps from the old to the new recipe, with as many seeds as all of them have."""
    steps = ladder(*ends(VARIANTS[0]))
    rows = {
        title: {seed: known[key] for seed in range(SEEDS) if (key := Training("", recipe, seed).key) in known}
        for title, recipe in {**steps, **asides(steps)}.items()
    }
    shared = [seed for seed in range(SEEDS) if all(seed in rows[title] for title in steps)]
    lines = ["| step | Acc@1 | change | by seed |", "| --- | ---: | ---: | --- |"]
    before: list[float] = []
    for title, figures in rows.items():
        own = [figures[seed] for seed in shared if seed in figures]
        if not own:
            continue
        aside = title not in steps
        since = [figures[seed] - was for seed, was in zip(shared, before, strict=False) if seed in figures]
        change = f"{statistics.mean(since):+.2f}" if since and not aside else ""
        lines.append(
            f"| {title if aside or not before else f'+ {title}'} | {summary(own)} | {change} "
            f"| {', '.join(f'{figure:.2f}' for figure in own)} |"
        )
        before = own
    return lines


def write(known: dict[str, float]) -> None:
    """Puts the tables between their marks in the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("ends", ends_table(known)), ("steps", ladder_table(known))):
        begin, end = f"<!-- {name}: written by examples/ablate_digits.py -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{PAGE} has no place for {name}.")
        text = "\n".join([before + begin, "", *table, "", end + after])
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Trains what is not there yet, and writes the tables."""
    arguments = argparse.ArgumentParser(description="Train the digits weights by the old recipe, the new, and between.")
    arguments.add_argument("--variant", choices=VARIANTS, action="append", help="Only this one; can be repeated.")
    arguments.add_argument("--seed", choices=range(SEEDS), type=int, action="append", help="Only this one, likewise.")
    arguments.add_argument("--tables", action="store_true", help="Train nothing, write the tables.")
    options = arguments.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    if not options.tables:
        torch.set_num_threads(1)
        for training in trainings(options.variant or VARIANTS, options.seed or range(SEEDS)):
            if training.key not in results():
                run(training)
    write(results())


if __name__ == "__main__":
    main()
