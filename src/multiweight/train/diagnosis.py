"""What to look at when a run goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from multiweight.train.recipe import Recipe


def not_a_number(recipe: Recipe, network: nn.Module, step: int, rate: float, losses: Sequence[float]) -> str:
    """What to look at where the loss is no finite number.

    Args:
        recipe: The recipe.
        network: The network, as it is now.
        step: The step with that loss.
        rate: The learning rate there.
        losses: Some before it, and it.
    """
    *before, loss = losses
    course = ", ".join(f"{each:.4g}" for each in before)
    lines = [f"The loss is {loss} at step {step}{f', after {course}' if course else ''}. What to look at:"]
    broken = [name for name, own in network.named_parameters() if not own.isfinite().all()]
    if broken:
        lines.append(f"- {len(broken)} parameters hold numbers that are none by now, the first one {broken[0]}.")
    lines.append(f"- The learning rate was {rate:.4g}: try a lower one, or a longer warm-up (schedule.warmup_epochs).")
    if recipe.optimizer.clip_norm is None:
        lines.append("- Gradients are not clipped: try optimizer.clip_norm=1.")
    if recipe.precision.amp == "fp16":
        lines.append("- fp16 ends at 65,504: try precision.amp=bf16.")
    if len(before) > 2 and max(before) < 1.5 * min(before):
        lines.append("- The losses before it did not rise: look at the pictures and weights that came in.")
    return "\n".join(lines)
