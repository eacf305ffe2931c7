"""Files that are under their names only when they are whole and on the disk. Never imports torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from multiweight.errors import StoreError


@contextmanager
def written_whole(path: Path) -> Generator[BinaryIO, None, None]:
    """A file to write to, which is at its path when all is written, and not at all after an error.

    Args:
        path: The file. What was there before is replaced, and kept if anything goes wrong.

    Raises:
        StoreError: If the disk says no.
    """
    # No other process or thread writes this name.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        try:
            with draft.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        if os.name != "nt":  # where a folder cannot be opened
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error
