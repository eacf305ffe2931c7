"""A recipe for the tests of the parts of training, to be changed in what a test is about."""

from dataclasses import replace

from multiweight.train.recipe import Augmentation, Evaluation, FineTuning, Optimizer, Recipe, Schedule

PLAIN = Recipe(
    name="plain",
    description="For tests.",
    variant="shufflenet_v2_x0_5",
    epochs=12,
    batch_size=8,
    augmentation=Augmentation(crop_size=32),
    evaluation=Evaluation(resize_size=32, crop_size=32),
    optimizer=Optimizer(name="sgd", learning_rate=0.5),
    schedule=Schedule(name="cosine"),
)


def recipe(*, optimizer=None, schedule=None, freeze=(), trunk_rate=1.0, **settings):
    """The plain recipe with other settings, at the top or in a part."""
    return replace(
        PLAIN,
        optimizer=replace(PLAIN.optimizer, **optimizer or {}),
        schedule=replace(PLAIN.schedule, **schedule or {}),
        fine_tuning=FineTuning(freeze=freeze, trunk_rate=trunk_rate),
        **settings,
    )
