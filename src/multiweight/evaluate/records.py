"""`measured.json`: what was measured, by entry, for people and programs to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from filelock import FileLock

from multiweight.errors import StoreError
from multiweight.store.save import write_atomically

_SAME = ("dataset", "split", "preset", "precision", "device", "tensors_sha256")
"""What two records have in common of which the later one replaces the earlier."""


def write_record(path: str | Path, entry: str, record: dict[str, Any]) -> None:
    """Adds a record to a file, or replaces the one of the same data, preset, precision, device and tensors.

    The file is replaced as a whole, so that who reads it finds the old text or the new one; processes that write to
    it wait for each other, by a lock file beside it.

    Args:
        path: The file; it need not be there.
        entry: The name of the entry.
        record: What `Measurement.record` gives.

    Raises:
        StoreError: If the file is there and is not one of these, or cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            records = read_records(path) if path.exists() else {}
            kept = [old for old in records.get(entry, []) if any(old.get(key) != record.get(key) for key in _SAME)]
            records[entry] = [*kept, record]
            text = json.dumps(dict(sorted(records.items())), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            write_atomically(path, lambda put: put(text.encode()))
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error


def read_records(path: str | Path) -> dict[str, list[dict[str, Any]]]:
    """The records in a file, by entry, the oldest first.

    Raises:
        StoreError: If it is not a file of records.
    """
    try:
        records = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{path} is not a file of records: {error}.") from error
    if not isinstance(records, dict) or not all(
        isinstance(of_entry, list) and all(isinstance(record, dict) for record in of_entry)
        for of_entry in records.values()
    ):
        raise StoreError(f"{path} is not a file of records: expected an object of lists of objects.")
    return records
