"""Opens pictures of unknown origin: every failure is one error that names the source, and memory is bounded.

Pillow does the decoding, exactly; its global settings and the warnings filters, which threads share, are left
alone.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from PIL import Image, ImageFile, JpegImagePlugin

from multiweight.errors import InputError, InputTypeError

FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "QOI": (".qoi",),
}
"""The formats that are read, with the endings of their files.

Named one by one because Pillow's full list holds formats that start other programs (EPS) or take any bytes for
theirs (TGA).
"""

EXTENSIONS = frozenset(extension for extensions in FORMATS.values() for extension in extensions)
"""The endings, in lower case, by which a picture is recognised in a folder."""

MAX_PIXELS = 178_956_970
"""Pictures of more pixels are refused before they are decoded: the number at which Pillow refuses, 512 MiB as RGB."""

MAX_BYTES = 512 * 2**20
"""Files of more bytes are refused before they are read."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

# Seconds to connect, and between two pieces of an answer: a server that stalls fails one input and no more.
_CONNECT, _PIECE = 15.0, 30.0

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(source: Any, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Opens a picture and decodes it wholly; the file is closed on return.

    Args:
        source: A path, a URL of any scheme that fsspec knows (`https://…`, `s3://…`), the bytes of a file, or a
            file object opened in binary mode, which is read from its start and left open.
        max_pixels: Width times height from which on a picture is refused before it is decoded.

    Returns:
        The picture in the mode it was stored in, turned upright as its EXIF orientation says; of an animation,
        the first frame.

    Raises:
        InputError: If there is no such file, it is not a picture, it is damaged, or it is too large.
        InputTypeError: If the source is none of the above.
    """
    with picture_file(source, max_pixels=max_pixels) as picture:
        return decoded(picture)


@contextmanager
def picture_file(source: Any, *, max_pixels: int = MAX_PIXELS) -> Iterator[ImageFile.ImageFile]:
    """Opens a picture as far as its header, for callers that must know its size before it is `decoded`.

    Whatever goes wrong within the context becomes an `InputError` that names the source.

    Args:
        source: As for `open_picture`.
        max_pixels: As for `open_picture`.

    Yields:
        The picture, with its size in pixels known and nothing decoded.

    Raises:
        InputError: As `open_picture` does.
    """
    with named(source_name(source) or _kind(source)), _binary(source) as file:
        picture = _identify(file)
        width, height = picture.size
        if width * height > max_pixels:
            raise InputError(
                f"{width}x{height} pixels are {width * height:,}, more than the {max_pixels:,} that are decoded."
            )
        yield picture


def decoded(picture: ImageFile.ImageFile) -> Image.Image:
    """Decodes a picture opened with `picture_file`, and turns it upright.

    Raises:
        InputError: If it is damaged or truncated.
    """
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:  # what a damaged file makes a decoder raise has no common base
        raise InputError(f"a damaged {picture.format} file: {_text(error)}") from error
    turn = _UPRIGHT.get(_orientation(picture.info.get("exif", b"")))
    if turn is None:
        return picture
    upright = picture.transpose(turn)
    # Or whoever looks at it again would turn it twice.
    for key in ("exif", "xmp", "XML:com.adobe.xmp"):
        upright.info.pop(key, None)
    return upright


@contextmanager
def named(name: str | None) -> Iterator[None]:
    """Within it, every exception becomes an `InputError` whose text begins with the name."""
    prefix = f"{printable(name)}: " if name else ""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{prefix}{error}") from error.__cause__
    except Exception as error:
        raise InputError(f"{prefix}{_text(error)}") from error


def _text(error: BaseException) -> str:
    """What an exception says, as the end of a sentence of ours."""
    match error:
        case FileNotFoundError():
            return "there is no such file."
        case IsADirectoryError():
            return "a folder, not a picture."
        case PermissionError():
            return "reading it is not permitted."
        case MemoryError():
            return "not enough memory to decode it."
        case OSError() if error.strerror:
            return f"{error.strerror}."
        case _:
            kind = type(error).__name__
            return str(error) or kind if isinstance(error, OSError | SyntaxError) else f"{kind}: {error}"


def source_name(source: Any) -> str | None:
    """What a picture is called: its path or URL, the name of a file object; `None` for bytes and arrays."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(cast("str | os.PathLike[str]", source))
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", None)
    else:
        name = getattr(source, "name", None) if hasattr(source, "read") else None
    return os.fsdecode(name) if isinstance(name, str | bytes) and name else None


def is_url(source: object) -> bool:
    """Whether a source is a URL rather than a path."""
    return isinstance(source, str) and _URL.match(source) is not None


def printable(text: str) -> str:
    """The text on one line, with escapes for what cannot be printed: line breaks, control bytes, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _kind(source: object) -> str:
    if isinstance(source, bytes | bytearray | memoryview):
        return f"{len(source)} bytes"
    return f"a {type(source).__name__} object"


@contextmanager
def _binary(source: Any) -> Iterator[IO[bytes]]:
    """The source as a seekable file at its start."""
    if isinstance(source, bytes | bytearray | memoryview):
        file: IO[bytes] = io.BytesIO(source)
        _refuse_size(len(source))
    elif is_url(source):
        file = io.BytesIO(_fetch(source))
    elif isinstance(source, str | os.PathLike):
        file = _open_path(cast("str | os.PathLike[str]", source))
    elif hasattr(source, "read"):
        yield _rewound(source)
        return
    else:
        raise InputTypeError("expected a path, a URL, the bytes of a picture or a file object.")
    with file:
        yield file


def _open_path(path: str | os.PathLike[str]) -> IO[bytes]:
    try:
        file = open(path, "rb")  # noqa: SIM115 (the caller closes it)
    except FileNotFoundError:
        if os.path.islink(path):
            raise InputError(f"a link to {printable(os.readlink(path))}, which is not there.") from None
        raise
    about = os.fstat(file.fileno())
    if stat.S_ISREG(about.st_mode):
        try:
            _refuse_size(about.st_size)
        except InputError:
            file.close()
            raise
        return file
    with file:  # a pipe, as shells make for <(command): no seeking in it
        return io.BytesIO(_read(file))


def _rewound(file: Any) -> IO[bytes]:
    if isinstance(file, io.TextIOBase):
        raise InputTypeError("a file opened in text mode; open it with mode 'rb'.")
    try:
        file.seek(0)
    except (AttributeError, OSError):  # io.UnsupportedOperation is an OSError
        return io.BytesIO(_read(file))
    return file


def _fetch(url: str) -> bytes:
    import fsspec

    options: dict[str, Any] = {}
    if url.lower().startswith(("http://", "https://")):
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_PIECE)
        options["client_kwargs"] = {"timeout": timeout}
    try:
        with fsspec.open(url, "rb", **options) as file:
            return _read(cast("IO[bytes]", file))
    except FileNotFoundError as error:
        # fsspec raises this for every answer that is not the file, and for none.
        if error.__cause__ is None or getattr(error.__cause__, "status", 0) == 404:
            raise InputError("there is nothing at this address.") from None
        raise error.__cause__ from None


def _read(file: IO[bytes]) -> bytes:
    """All bytes of a file that may be endless or come in pieces."""
    pieces: list[bytes] = []
    room = MAX_BYTES + 1
    while room > 0 and (piece := file.read(room)):
        pieces.append(piece)
        room -= len(piece)
    _refuse_size(MAX_BYTES + 1 - room)
    return b"".join(pieces)


def _refuse_size(size: int) -> None:
    if size > MAX_BYTES:
        raise InputError(f"{size:,} bytes or more; files of up to {MAX_BYTES:,} are read.")


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose EXIF block is not searched for a resolution on opening.

    That search warns about blocks that are cut short, as many cameras' are; a warning cannot be kept quiet in
    one thread alone.
    """

    def _read_dpi_from_exif(self) -> None:
        pass


def _identify(file: IO[bytes]) -> ImageFile.ImageFile:
    """What `PIL.Image.open` does, for our formats, and without its warning about sizes (the caller refuses them)."""
    prefix = file.read(16)
    if not prefix:
        raise InputError("empty (0 bytes).")
    if not isinstance(prefix, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputTypeError(f"its read() gives {type(prefix).__name__}, expected bytes.")
    reasons: list[str] = []
    for register in (Image.preinit, Image.init):
        register()
        for name in FORMATS:
            factory, accept = Image.OPEN.get(name, (None, None))
            # Where Pillow was built without a format, its `accept` says so in a string.
            accepted = accept(prefix) if factory and accept else False
            if isinstance(accepted, str):
                reasons.append(accepted)
            elif factory and accepted:
                file.seek(0)
                try:
                    return cast("ImageFile.ImageFile", (_Jpeg if name == "JPEG" else factory)(file, ""))
                except (Image.DecompressionBombError, MemoryError):
                    raise
                except Exception as error:  # as in `decoded`
                    reasons.append(f"a damaged {name} file: {_text(error)}")
    if reasons:
        raise InputError(reasons[0])
    raise InputError(f"not a picture in a known format; it begins with {prefix!r}.")


def _orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, that an EXIF block gives; 1 where it gives none or is damaged."""
    block = re.sub(rb"\A(Exif\0\0){1,2}", b"", exif)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", block, at)
            if tag == 0x0112:
                return struct.unpack_from(order + {1: "B", 3: "H", 4: "I"}.get(kind, "H"), block, at + 8)[0]
    except struct.error:
        return 1
    return 1
