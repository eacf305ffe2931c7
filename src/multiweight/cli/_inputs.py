"""What the inputs of `multiweight predict` stand for: pictures, videos, pairs of pictures."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator

Fail = Callable[[str], None]
"""Called with a text for an input that stands for nothing."""


def expand(inputs: Iterable[str], fail: Fail, task: str = "classification") -> Iterator[str]:
    """The paths and URLs that the inputs stand for, one after the other, as they are asked for.

    Args:
        inputs: What the user named: files, folders, patterns, URLs, `-`.
        fail: Called with a text for an input that stands for nothing and a folder that cannot be read.
        task: Where videos are taken, a folder of frames stands for itself, and other folders for their videos.
    """
    inside = _videos_in if task in ("video", "optical_flow") else _pictures_in
    for given in inputs:
        if given == "-":
            lines = sys.stdin.buffer
            yield from expand((os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r\n"))), fail, task)
            continue
        found = False
        for source in _sources(given, fail, inside):
            found = True
            yield source
        if not found:
            what = "pictures" if inside is _pictures_in else "pictures and no videos"
            fail(f"{given}: {f'no {what} in this folder.' if os.path.isdir(given) else 'nothing matches.'}")


def _sources(given: str, fail: Fail, inside: Callable[[str, Fail], Iterator[str]]) -> Iterator[str]:
    from glob import iglob

    from multiweight.data import is_url

    if os.path.isdir(given):
        yield from inside(given, fail)
    elif is_url(given) or os.path.lexists(given) or not re.search(r"[*?[]", given):
        yield given
    else:
        for match in sorted(iglob(given, recursive=True)):
            if not os.path.isdir(match):
                yield match
            elif "**" not in given:  # which has the files of this folder among its matches
                yield from inside(match, fail)


def _pictures_in(folder: str, fail: Fail) -> Iterator[str]:
    from multiweight.data import EXTENSIONS

    for parent, names in _walk(folder, fail):
        for name in names:
            if _ending(name) in EXTENSIONS:
                yield os.path.join(parent, name)


def _videos_in(folder: str, fail: Fail) -> Iterator[str]:
    """The videos in a folder: each file that is one, and each folder whose pictures are its frames."""
    from multiweight.data import EXTENSIONS, VIDEO_EXTENSIONS

    for parent, names in _walk(folder, fail):
        if any(_ending(name) in EXTENSIONS - VIDEO_EXTENSIONS for name in names):
            yield parent
        for name in names:
            if _ending(name) in VIDEO_EXTENSIONS:
                yield os.path.join(parent, name)


def _walk(folder: str, fail: Fail) -> Iterator[tuple[str, list[str]]]:
    """The folders below one, itself first, with the names of their files, in order; nothing hidden."""

    def unreadable(error: OSError) -> None:
        fail(f"{error.filename}: {error.strerror}.")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield parent, [name for name in sorted(names) if _is_wanted(parent, name)]


def _is_wanted(parent: str, name: str) -> bool:
    path = os.path.join(parent, name)
    # A broken link is worth an error; reading a pipe or a device would wait for ever.
    return not name.startswith(".") and (os.path.isfile(path) or not os.path.exists(path))


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def paired(sources: Iterable[str], fail: Fail, consecutive: bool) -> Iterator[str | tuple[str, str]]:
    """Of sources for optical flow, each two pictures that follow each other as a pair, and videos as they are.

    Args:
        sources: Paths and URLs; what ends as a picture does is one, all else is a video.
        fail: Called with a text for a picture that is left alone.
        consecutive: Whether the second picture of a pair is also the first of the next.
    """
    first: str | None = None
    alone = True
    for source in sources:
        if not _is_picture(source):
            if first is not None and alone:
                fail(_without_second(first))
            first, alone = None, True
            yield source
        elif first is None:
            first, alone = source, True
        else:
            yield first, source
            first, alone = (source, False) if consecutive else (None, True)
    if first is not None and alone:
        fail(_without_second(first))


def _is_picture(source: str) -> bool:
    from multiweight.data import EXTENSIONS, VIDEO_EXTENSIONS, is_url

    path = re.split(r"[?#]", source)[0] if is_url(source) else source
    return _ending(path) in EXTENSIONS - VIDEO_EXTENSIONS and not os.path.isdir(source)


def _without_second(picture: str) -> str:
    return f"{picture}: has no second picture; optical flow is between two."
