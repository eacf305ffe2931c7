"""Every error that multiweight raises on purpose, in one tree.

```
MultiweightError
├── UnknownNameError            also KeyError and ValueError
│   ├── UnknownWeightsError       no such weights entry
│   ├── UnknownModelError         no such variant
│   ├── UnknownMetaError          no such key in an entry's meta
│   ├── UnknownLabelError         no such class in an entry's labels
│   └── UnknownRecipeError        no such recipe
├── StoreError                  also OSError: the bytes could not be had
│   ├── OfflineError              offline, and the file is not in the cache
│   ├── DownloadError             the server, the network or the disk said no
│   ├── HashMismatchError         the bytes are not the published ones, or not the locked ones
│   └── LockError                 `weights.lock` cannot be read, or does not say what is asked of it
├── WeightsFileError            also RuntimeError: the bytes are here but cannot be used
│   ├── CorruptFileError          not a weights file, or a damaged one
│   ├── HeaderError               it does not say what it is, or in words of a later release
│   ├── UnsafeFileError           the file asks to run code
│   ├── MismatchError             its tensors do not fit the network
│   └── ProbeError                the network gives other answers than when it was written
├── InputError                  also ValueError: a picture that cannot be used
│   └── InputTypeError            also TypeError: not a picture at all
├── DatasetError                also ValueError: pictures and their classes cannot be found in what was given
├── WorkerError                 also RuntimeError: a process that reads pictures died
├── TrainingError               also RuntimeError: training cannot begin or go on
│   └── TrainingStoppedError      it was told to stop, and can go on from its checkpoint
├── RecipeError                 also ValueError: a recipe that cannot be followed
├── CatalogueError              also ValueError: a JSON catalogue that cannot be used
├── LicenseError                `MULTIWEIGHT_LICENSES` bars the licence of the weights
└── MissingExtraError           also ImportError: an optional dependency is not installed
```
"""

from __future__ import annotations

from collections.abc import Iterable


class MultiweightError(Exception):
    """Base of every error of this package."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument and OSError a pair; ours are sentences.
        return str(self.args[0]) if self.args else ""


class UnknownNameError(MultiweightError, KeyError, ValueError):
    """A name that nothing answers to; the text names the nearest ones."""


class UnknownWeightsError(UnknownNameError):
    """No weights entry has this name."""


class UnknownWeightsAttributeError(UnknownWeightsError, AttributeError):
    """The same, met as an attribute of an enum class, so that `hasattr` and `getattr` keep their meaning."""


class UnknownModelError(UnknownNameError):
    """No variant, or no builder for it, has this name."""


class UnknownMetaError(UnknownNameError):
    """A weights entry's meta has no such key."""


class UnknownMetaAttributeError(UnknownMetaError, AttributeError):
    """The same, met as an attribute."""


class UnknownLabelError(UnknownNameError):
    """A weights entry's labels have no such class."""


class UnknownRecipeError(UnknownNameError):
    """No recipe has this name."""


class StoreError(MultiweightError, OSError):
    """The bytes of a weights entry could not be had."""


class OfflineError(StoreError):
    """Offline mode is on and the file is not in the cache."""


class DownloadError(StoreError):
    """The server, the network or the disk did not let the file arrive."""


class HashMismatchError(StoreError):
    """The bytes are not the published ones; the text prints both hashes."""


class LockError(StoreError):
    """A `weights.lock` cannot be read, or does not say what is asked of it."""


class WeightsFileError(MultiweightError, RuntimeError):
    """The file is here, but cannot be used."""


class CorruptFileError(WeightsFileError):
    """Not a weights file, or a damaged one."""


class HeaderError(WeightsFileError):
    """The file does not say what it is, or says it in words that this release does not know."""


class UnsafeFileError(WeightsFileError):
    """The file asks to run code, which is never done."""


class MismatchError(WeightsFileError):
    """The file's tensors do not fit the network."""


class ProbeError(WeightsFileError):
    """The network does not give the answers that it gave when the file was written."""


class InputError(MultiweightError, ValueError):
    """A picture that cannot be used."""


class InputTypeError(InputError, TypeError):
    """An object that is not a picture at all."""


class DatasetError(MultiweightError, ValueError):
    """Pictures and their classes cannot be found in what was given as a data set."""


class WorkerError(MultiweightError, RuntimeError):
    """A process that reads pictures died; the text says of what."""


class TrainingError(MultiweightError, RuntimeError):
    """Training cannot begin or go on; the text says what to look at."""


class TrainingStoppedError(TrainingError):
    """A signal stopped training after a checkpoint was written.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, text: str, signal: int) -> None:
        super().__init__(text)
        self.signal = signal


class RecipeError(MultiweightError, ValueError):
    """A recipe that cannot be followed; the text names the file and the place in it."""


class CatalogueError(MultiweightError, ValueError):
    """A JSON catalogue that cannot be used; the text names the file and the place in it."""


class LicenseError(MultiweightError):
    """The policy in `MULTIWEIGHT_LICENSES` bars the licence of the weights; the text names it."""


class MissingExtraError(MultiweightError, ImportError):
    """An optional dependency is not installed; the text gives the command that installs it."""


class MultiweightWarning(UserWarning):
    """Something that a user should know and that stops nothing (a broken plugin, say)."""


def suggestions(given: str, known: Iterable[str], *, most: int = 3) -> str:
    """The end of an error text: the known names nearest to the given one.

    Args:
        given: The name that was not found.
        known: The names there are.
        most: How many to name.

    Returns:
        `" Did you mean A, B?"`; where nothing is near, `" Known: A, B, C."` for a handful of names; else nothing.
    """
    import difflib

    names = list(dict.fromkeys(known))
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.casefold(), name)
    near = difflib.get_close_matches(given.casefold(), folded, n=most, cutoff=0.6)
    if near:
        return f" Did you mean {', '.join(folded[n] for n in near)}?"
    if names and len(names) <= 8:
        return f" Known: {', '.join(names)}."
    return ""
