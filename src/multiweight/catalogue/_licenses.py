"""Which licences of weights are used here: the policy in `MULTIWEIGHT_LICENSES`. Never imports torch.

| a word of the policy | lets through |
| --- | --- |
| `permissive` | licences that let anyone use the weights for anything, at most for naming their author |
| `unstated` | weights that state no licence |
| any other, `*`, `?` and `[…]` in it | licences of that name, in any case |

Words are joined with commas: `permissive,cc-by-nc-4.0`. Unset or empty, all weights are used.
"""

from __future__ import annotations

import os
import warnings
from fnmatch import fnmatchcase
from functools import lru_cache

from multiweight.catalogue._listing import rank
from multiweight.catalogue._schema import Weights, WeightsEnum
from multiweight.errors import LicenseError, MultiweightWarning, suggestions

VARIABLE = "MULTIWEIGHT_LICENSES"
"""The environment variable that holds the policy."""

PERMISSIVE, UNSTATED = "permissive", "unstated"

# By their SPDX identifiers, https://spdx.org/licenses, in lower case.
_PERMISSIVE = frozenset(
    {
        *("0bsd", "afl-3.0", "apache-1.1", "apache-2.0", "artistic-2.0", "blueoak-1.0.0", "bsl-1.0", "ecl-2.0", "hpnd"),
        *("bsd-1-clause", "bsd-2-clause", "bsd-2-clause-patent", "bsd-3-clause", "bsd-3-clause-clear", "isc", "mit"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0"),
        *("mit-0", "ms-pl", "ncsa", "odc-by-1.0", "pddl-1.0", "postgresql", "psf-2.0", "python-2.0", "unlicense"),
        *("upl-1.0", "w3c", "wtfpl", "x11", "zlib"),
    }
)


def is_permissive(license: str | None) -> bool:
    """Whether a licence lets anyone use the weights for anything, at most for naming their author.

    Args:
        license: An SPDX identifier in any case, or several joined with `OR` or with `AND`. What is none, and `None`,
            which is unstated, is not permissive.
    """
    words = (license or "").lower().split()
    names, joints = words[::2], set(words[1::2])
    permissive = [name in _PERMISSIVE for name in names]
    return (
        bool(names)
        and len(words) % 2 == 1
        and ((joints == {"or"} and any(permissive)) or (joints <= {"and"} and all(permissive)))
    )


def is_allowed(license: str | None) -> bool:
    """Whether the policy lets weights of this licence through; `None` is unstated."""
    words = _words(os.environ.get(VARIABLE, ""))
    name = (license or UNSTATED).lower()
    return not words or any(is_permissive(license) if word == PERMISSIVE else fnmatchcase(name, word) for word in words)


def license_of(entry: WeightsEnum | Weights) -> str | None:
    """The licence that an entry states."""
    if "license" not in entry.meta:  # `get` would look for the nearest names first
        return None
    license = entry.meta["license"]
    return None if license is None else str(license)


def check_license(entry: WeightsEnum | Weights) -> None:
    """Makes sure that the policy lets an entry's licence through.

    Args:
        entry: The entry.

    Raises:
        LicenseError: If it does not; the text names the licence, and the best entry of the variant that is allowed.
    """
    license = license_of(entry)
    if is_allowed(license):
        return
    member: WeightsEnum | None = entry if isinstance(entry, WeightsEnum) else entry.__dict__.get("_member")
    states = "states no licence" if license is None else f"has the licence {license}"
    raise LicenseError(
        f"{entry.url if member is None else member} {states}, which {VARIABLE}={os.environ[VARIABLE]} bars."
        f"{'' if member is None else _instead_of(member)}"
    )


def _instead_of(barred: WeightsEnum) -> str:
    """The best entry of the variant that is allowed, as the end of an error text."""
    from multiweight.catalogue._registry import entries_of

    def order(entry: WeightsEnum) -> tuple[bool, float]:
        # Figures of other data sets, and of other labels, say nothing of how well it replaces this one.
        return (list(entry.meta.get("metrics") or ())[:1] != list(barred.meta.get("metrics") or ())[:1], rank(entry))

    allowed = [entry for entry in entries_of(type(barred)) if is_allowed(license_of(entry))]
    if not allowed:
        return f" No entry of {type(barred).variant} has a licence that it allows."
    best = min(allowed, key=order)
    return f" The best entry of {type(barred).variant} that it allows is {best} ({license_of(best) or UNSTATED})."


@lru_cache
def _words(policy: str) -> tuple[str, ...]:
    """The words of a policy in lower case. One that lets nothing through that is known here is warned of, once."""
    words = tuple(word.lower() for word in map(str.strip, policy.split(",")) if word)
    for word in words:
        if word not in (PERMISSIVE, UNSTATED) and not any(fnmatchcase(name, word) for name in _known()):
            # It may be that of a file, so it is no error.
            warnings.warn(
                f"{VARIABLE} has {word!r}, which is the licence of no entry here."
                f"{suggestions(word, [PERMISSIVE, UNSTATED, *_known()])}",
                MultiweightWarning,
                stacklevel=2,
            )
    return words


def _known() -> list[str]:
    from multiweight.catalogue._registry import weights_enums

    entries = (entry for enum in weights_enums().values() for entry in enum)
    return sorted({license.lower() for license in map(license_of, entries) if license})
