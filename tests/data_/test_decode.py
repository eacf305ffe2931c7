"""Opening pictures: whatever the source, one picture; whatever is wrong with it, one error that names it."""

import http.server
import io
import os
import pathlib
import struct
import threading
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from multiweight.data import EXTENSIONS, MAX_PIXELS, open_picture, printable, source_name
from multiweight.data import decode as module
from multiweight.errors import InputError, InputTypeError


def noise(width=37, height=23, mode="RGB", seed=0):
    """A picture of random pixels, every one of which a wrong turn would move."""
    bands = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(bands).convert(mode)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def with_orientation(orientation, kind="JPEG", order="<"):
    """An encoded picture with an EXIF block that says nothing but how the camera was held."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = orientation
    return encoded(noise(), kind, exif=exif)


def png_header(width, height):
    """A PNG that promises many pixels and has none."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/p.png": encoded(noise()), "/page.jpg": b"<html>Not here</html>"}.get(self.path)
        self.send_response(200 if body else 503 if self.path == "/busy.jpg" else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Unseekable(io.RawIOBase):
    """A stream that gives its bytes a few at a time and cannot go back, as a socket does."""

    def __init__(self, data):
        self.rest = data

    def readable(self):
        return True

    def readinto(self, buffer):
        piece, self.rest = self.rest[: min(len(buffer), 100)], self.rest[min(len(buffer), 100) :]
        buffer[: len(piece)] = piece
        return len(piece)


def sources(tmp_path):
    data = encoded(noise())
    path = tmp_path / "p.png"
    path.write_bytes(data)
    moved = io.BytesIO(data)
    moved.seek(50)
    return {
        "str": str(path),
        "Path": path,
        "undecodable name": _hard_link(path, os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png")),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "BytesIO": io.BytesIO(data),
        "BytesIO, read from": moved,
        "file": path.open("rb"),
        "stream": Unseekable(data),
        "file URL": path.as_uri(),
    }


def _hard_link(path, name):
    os.link(path, name)
    return name


def test_every_kind_of_source_gives_the_same_picture(tmp_path, server):
    for kind, source in (sources(tmp_path) | {"http": f"{server}/p.png"}).items():
        picture = open_picture(source)
        assert picture.tobytes() == noise().tobytes(), kind
        if isinstance(source, io.IOBase):
            assert not source.closed, kind
            source.close()
    os.remove(tmp_path / "p.png")


def test_a_named_pipe_is_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encoded(noise()),))
    writer.start()
    assert open_picture(pipe).size == noise().size
    writer.join()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF", "JPEG2000", "QOI"])
def test_every_format_decodes_as_pillow_does(kind, tmp_path):
    assert kind in module.FORMATS
    data = encoded(noise(), kind)
    with Image.open(io.BytesIO(data)) as expected:
        picture = open_picture(data)
        assert (picture.mode, picture.size) == (expected.mode, expected.size)
        assert picture.tobytes() == expected.tobytes()
    for extension in module.FORMATS[kind]:
        assert extension in EXTENSIONS


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16", "LA"])
def test_the_mode_stays_what_it_was(mode):
    picture = Image.new("I;16", (5, 4), 40_000) if mode == "I;16" else noise(mode="L" if mode == "LA" else mode)
    picture = picture.convert("LA") if mode == "LA" else picture
    opened = open_picture(encoded(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert opened.mode == mode
    assert opened.size == picture.size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(orientation, order, kind):
    data = with_orientation(orientation, kind, order)
    with Image.open(io.BytesIO(data)) as picture:
        expected = ImageOps.exif_transpose(picture)
    opened = open_picture(data)
    assert opened.size == expected.size
    assert opened.tobytes() == expected.tobytes()
    # Whoever turns it again must find that there is nothing left to turn.
    assert ImageOps.exif_transpose(opened).tobytes() == expected.tobytes()


@given(st.binary(max_size=120))
def test_no_exif_block_is_an_error(block):
    for head in (b"", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        assert isinstance(module._orientation(head + block), int)


def test_a_damaged_exif_block_neither_warns_nor_fails(tmp_path):
    """Cameras write such blocks; `PIL.Image.open` warns of this one, which in the tests is an error."""
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 9) + struct.pack("<HHII", 0x0112, 3, 1, 6)
    plain = encoded(noise(), "JPEG")
    jfif_length = struct.unpack_from(">H", plain, 4)[0]
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[4 + jfif_length :]
    with pytest.warns(UserWarning, match="Corrupt EXIF"), Image.open(io.BytesIO(data)):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_picture(data).size == noise().size[::-1]


def test_of_an_animation_the_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        picture = open_picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert picture.convert("RGB").getpixel((4, 4)) == (255, 0, 0), kind


def broken(tmp_path):
    """Sources that cannot be used, each with what its error must say."""
    jpeg, png = encoded(noise(200, 200), "JPEG"), encoded(noise(200, 200))
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("This is not a picture.")
    (tmp_path / "cut\nshort.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    return [
        (tmp_path / "none.jpg", "none.jpg: there is no such file"),
        (link, "link.jpg: a link to .*gone.jpg, which is not there"),
        (tmp_path, "a folder, not a picture"),
        (tmp_path / "empty.jpg", r"empty.jpg: empty \(0 bytes\)"),
        (tmp_path / "text.jpg", "text.jpg: not a picture in a known format; it begins with b'This is not"),
        (tmp_path / "cut\nshort.jpg", r"cut\\nshort.jpg: a damaged JPEG file: image file is truncated"),
        (jpeg[: len(jpeg) // 2], "^[0-9]+ bytes: a damaged JPEG file: image file is truncated"),
        (jpeg[:30], "a damaged JPEG file"),
        (png[: len(png) // 2], "a damaged PNG file: image file is truncated"),
        (png[:20], "a damaged PNG file"),
        (png[:60] + bytes(len(png) - 60), "a damaged PNG file"),
        (b"", "^0 bytes: empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture in a known format"),
        (png_header(50_000, 50_000), "50000x50000 pixels are 2,500,000,000, more than the 178,956,970"),
        (io.StringIO("text"), "opened in text mode; open it with mode 'rb'"),
        ("name\0.jpg", "embedded null byte"),
        ("nonsense://x.jpg", "nonsense://x.jpg: .*[Pp]rotocol not known"),
        ("http://127.0.0.1:1/x.jpg", "http://127.0.0.1:1/x.jpg: .*[Cc]onnect"),
    ]


def test_every_failure_is_one_error_that_names_the_source(tmp_path):
    for source, text in broken(tmp_path):
        with pytest.raises(InputError, match=text) as caught:
            open_picture(source)
        assert "\n" not in str(caught.value)
        if name := source_name(source):
            assert str(caught.value).startswith(printable(name))


def test_a_server_that_says_no(server):
    with pytest.raises(InputError, match="/none.jpg: there is nothing at this address"):
        open_picture(f"{server}/none.jpg")
    with pytest.raises(InputError, match="/busy.jpg: .*503"):
        open_picture(f"{server}/busy.jpg")
    with pytest.raises(InputError, match="/page.jpg: not a picture in a known format; it begins with b'<html>"):
        open_picture(f"{server}/page.jpg")


@pytest.mark.parametrize("source", [None, 7, 1.5, object(), ["a.jpg"]])
def test_what_is_no_source_at_all(source):
    with pytest.raises(InputTypeError, match="expected a path, a URL, the bytes of a picture or a file object"):
        open_picture(source)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)  # the tests may run as a user who may read everything
    with pytest.raises(InputError, match="p.png: reading it is not permitted"):
        open_picture(tmp_path / "p.png")


def test_a_bomb_costs_no_memory(tmp_path):
    """A file of a kilobyte that would decode to seven gigabytes."""
    data = png_header(50_000, 50_000)
    tracemalloc.start()
    with pytest.raises(InputError, match="more than"):
        open_picture(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data) < 1200
    assert peak < 5e6


def test_the_largest_picture_is_a_setting_and_global_ones_stay(monkeypatch):
    filters = list(warnings.filters)
    data = encoded(noise(10, 10))
    assert open_picture(data, max_pixels=100).size == (10, 10)
    with pytest.raises(InputError, match="10x10 pixels are 100, more than the 99 "):
        open_picture(data, max_pixels=99)
    assert list(warnings.filters) == filters
    assert pytest.approx(2 * Image.MAX_IMAGE_PIXELS, abs=2) == MAX_PIXELS


def test_large_pictures_within_the_limit_do_not_warn(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.warns(Image.DecompressionBombWarning), Image.open(io.BytesIO(encoded(noise(10, 10)))):
        pass
    assert open_picture(encoded(noise(10, 10))).size == (10, 10)


def test_endless_and_oversized_files_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MAX_BYTES", 2000)
    big = encoded(noise(100, 100))
    (tmp_path / "big.png").write_bytes(big)
    for source in (big, tmp_path / "big.png", "/dev/zero", Unseekable(big)):
        with pytest.raises(InputError, match=r"bytes or more; files of up to 2,000 are read"):
            open_picture(source)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]),
    cut=st.floats(0, 1),
    at=st.floats(0, 1),
    garbage=st.binary(max_size=30),
)
def test_damage_gives_a_picture_or_one_error(kind, cut, at, garbage):
    data = bytearray(encoded(noise(), kind))
    start = int(at * len(data))
    data[start : start + len(garbage)] = garbage
    with warnings.catch_warnings():
        # Damaged TIFF tags make Pillow warn, as it should.
        warnings.simplefilter("ignore", UserWarning)
        try:
            assert isinstance(open_picture(bytes(data[: int(cut * len(data)) + 1])), Image.Image)
        except InputError as error:
            assert "bytes: " in str(error)


def test_many_threads_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    good = [with_orientation(1 + seed % 8) for seed in range(40)]
    bad = [with_orientation(6)[:300], png_header(50_000, 50_000), b"nonsense"]

    def attempt(data):
        try:
            return open_picture(data).size
        except InputError:
            return None

    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(attempt, (good + bad) * 5))
    assert sizes == [attempt(data) for data in good + bad] * 5
    assert sizes.count(None) == 15


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a.jpg", "a.jpg"),
        (pathlib.Path("b") / "a.jpg", os.path.join("b", "a.jpg")),
        ("https://example.org/a.jpg", "https://example.org/a.jpg"),
        (b"\xff\xd8", None),
        (io.BytesIO(), None),
        (np.zeros((2, 2, 3)), None),
        (Image.new("RGB", (1, 1)), None),
        (None, None),
    ],
)
def test_what_a_picture_is_called(source, name):
    assert source_name(source) == name


def test_what_an_open_file_is_called(tmp_path):
    path = tmp_path / "a.png"
    noise().save(path)
    with path.open("rb") as file, Image.open(path) as picture:
        assert source_name(file) == source_name(picture) == str(path)
    with open(os.open(path, os.O_RDONLY), "rb") as nameless:
        assert source_name(nameless) is None


@given(st.text())
def test_printable_text_is_one_line_and_ordinary_text_stays(text):
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text
