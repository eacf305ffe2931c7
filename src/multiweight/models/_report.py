"""What became of the tensors of a file when a network got them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What was loaded into a network, what was changed on the way, and what is not the file's.

    Every tensor of the network is in one of `loaded`, `adapted` and `new`; every tensor of the file is in one of
    `loaded`, `adapted` and `dropped`, under the network's name for it.

    Attributes:
        source: Where the tensors are from.
        loaded: The network's tensors that are the file's.
        renamed: Those of them that are called otherwise in the file: their name there, and the network's.
        unwrapped: What was around the tensors in the file, such as `"the key 'state_dict'"`.
        adapted: The network's tensors that were made of the file's, and how.
        new: The network's tensors that are newly initialised, and why.
        dropped: The file's tensors that are left out, and why.
        labels: The labels of the outputs; `None` where they have none, or are those of a new head.
    """

    source: str
    loaded: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    unwrapped: tuple[str, ...] = ()
    adapted: Mapping[str, str] = field(default_factory=dict[str, str])
    new: Mapping[str, str] = field(default_factory=dict[str, str])
    dropped: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: tuple[str, ...] | None = None

    def __str__(self) -> str:
        counts = [f"{len(self.loaded)} loaded"]
        for what in ("renamed", "adapted", "new", "dropped"):
            if some := getattr(self, what):
                counts.append(f"{len(some)} {what}")
        lines = [f"{self.source}: {', '.join(counts)}."]
        if self.unwrapped:
            lines.append(f"  around them: {', '.join(self.unwrapped)}")
        for what in ("adapted", "new", "dropped"):
            by_reason: dict[str, list[str]] = {}
            for name, why in getattr(self, what).items():
                by_reason.setdefault(why, []).append(name)
            for why, names in by_reason.items():
                shown = ", ".join(names[:4]) + (f", … ({len(names)})" if len(names) > 4 else "")
                lines.append(f"  {what}: {shown}: {why}")
        return "\n".join(lines)
