"""Recipes, which are data, and the engine that runs them. Importing this package imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multiweight.train.recipe import (
    EMA,
    Augmentation,
    Evaluation,
    FineTuning,
    Optimizer,
    Precision,
    Recipe,
    Schedule,
    as_toml,
    differences,
    list_recipes,
    load_recipe,
    override,
    recipe_hash,
    recipe_of,
)

if TYPE_CHECKING:
    from multiweight.train.engine import TrainingResult, train

__all__ = [
    "EMA",
    "Augmentation",
    "Evaluation",
    "FineTuning",
    "Optimizer",
    "Precision",
    "Recipe",
    "Schedule",
    "TrainingResult",
    "as_toml",
    "differences",
    "list_recipes",
    "load_recipe",
    "override",
    "recipe_hash",
    "recipe_of",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in ("TrainingResult", "train"):
        from multiweight.train import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
