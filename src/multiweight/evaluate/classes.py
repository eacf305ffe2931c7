"""Which of a network's classes the classes of a data set are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from multiweight.errors import DatasetError, suggestions

_WORDNET_ID = re.compile(r"n\d{8}")

_NAMED = 3
"""How many missing classes an error names."""


@dataclass(frozen=True)
class Matching:
    """How the classes of a data set go to those of a network.

    Attributes:
        places: For each class of the data set, its place among the network's.
        how: `"name"` or `"order"`.
        reason: The same in a sentence.
    """

    places: tuple[int, ...]
    how: str
    reason: str


def match_classes(classes: Sequence[str], labels: Sequence[str]) -> Matching:
    """Finds the classes of a data set among the labels of an entry.

    By name, if each is the name of a label (case, and underscores for spaces, do not count); a data set may have fewer
    classes than the network. Else by order, if there are as many classes as labels, which nothing can check.

    Args:
        classes: The classes of the data set in its order. Those of a folder are the names of its sub-folders, sorted;
            those of a folder of ImageNet's 1,000 WordNet ids are ImageNet-1K's labels.
        labels: The labels of the entry, in the order of the network's outputs.

    Returns:
        The places, with the rule that gave them.

    Raises:
        DatasetError: If no rule fits, or a name stands for two labels.
    """
    if tuple(classes) == tuple(labels):
        return Matching(tuple(range(len(labels))), "name", "The classes are the entry's labels, in the same order.")
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(_folded(label), []).append(place)
    missing = [name for name in classes if _folded(name) not in places]
    if not missing:
        return Matching(_by_name(classes, labels, places), "name", "The classes are matched with the labels by name.")
    if len(classes) == len(labels):
        return Matching(
            tuple(range(len(labels))),
            "order",
            f"The classes are matched with the labels by their order alone ({classes[0]!r} is {labels[0]!r}, "
            f"{classes[-1]!r} is {labels[-1]!r}): {_absent(missing, labels)}",
        )
    hint = "Name the classes as the labels are called."
    if all(_WORDNET_ID.fullmatch(name) for name in classes):
        hint = "WordNet ids are matched where all 1,000 of ImageNet-1K are there; a class's folder may be empty."
    raise DatasetError(
        f"The data set has {len(classes)} classes and the entry {len(labels)} labels, and they cannot be matched by "
        f"name: {_absent(missing, labels)} {hint}"
    )


def _by_name(classes: Sequence[str], labels: Sequence[str], places: dict[str, list[int]]) -> tuple[int, ...]:
    found: list[int] = []
    for name in classes:
        candidates = places[_folded(name)]
        exact = [place for place in candidates if labels[place] == name]
        candidates = exact or candidates
        if len(candidates) > 1:
            raise DatasetError(f"The class {name!r} may be any of the labels number {', '.join(map(str, candidates))}.")
        found += candidates
    twice = [place for place, count in Counter(found).items() if count > 1]
    if twice:
        same = [name for name, place in zip(classes, found, strict=True) if place == twice[0]]
        raise DatasetError(f"The classes {' and '.join(map(repr, same))} are both the label {labels[twice[0]]!r}.")
    return tuple(found)


def _absent(missing: Sequence[str], labels: Sequence[str]) -> str:
    named = ", ".join(map(repr, missing[:_NAMED])) + (f" and {len(missing) - _NAMED} more" if missing[_NAMED:] else "")
    hint = suggestions(missing[0], labels) if len(missing) < _NAMED else ""
    return f"{named} {'is not a label' if len(missing) == 1 else 'are not labels'}.{hint}"


def _folded(name: str) -> str:
    """A name without what a folder's name may differ in: case, and underscores for spaces."""
    return " ".join(name.casefold().replace("_", " ").split())
