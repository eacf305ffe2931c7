"""Pictures of one colour, good and hostile, as files."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image

RGB = {"red": (230, 20, 30), "green": (20, 230, 30), "blue": (20, 30, 230)}


def picture(label, width=60, height=40):
    return Image.new("RGB", (width, height), RGB[label])


@functools.cache
def encoded(label, kind="JPEG", width=60, height=40, **options):
    file = io.BytesIO()
    picture(label, width, height).save(file, kind, **options)
    return file.getvalue()


def png(width, height, pixels, colour=2):
    """A PNG written by hand: whatever the header promises, these are the pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@functools.cache
def bomb():
    """18,000 by 10,000 pixels, which are all there, in half a megabyte."""
    squeeze = zlib.compressobj(1)
    row = bytes(3 * 18_000 + 1)
    return png(18_000, 10_000, b"".join(squeeze.compress(row) for _ in range(10_000)) + squeeze.flush())


def upright_only():
    """A picture that is green in its centre when it is turned as its EXIF block says, and has no green else."""
    pixels = np.zeros((40, 200, 3), dtype=np.uint8)
    pixels[:, :] = RGB["red"]
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    return file.getvalue()


def hostile_folder(folder):
    """Makes a folder of good and bad pictures.

    Returns:
        For each name, in sorted order, the label that it must get, or `None` where it cannot be used.
    """
    jpeg = encoded("red", width=400, height=300, quality=95)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    noisy = {}
    for kind in ("JPEG", "PNG"):
        file = io.BytesIO()
        noise.save(file, kind)
        noisy[kind] = file.getvalue()
    cmyk, sixteen, animated = io.BytesIO(), io.BytesIO(), io.BytesIO()
    picture("blue").convert("CMYK").save(cmyk, "JPEG", quality=95)
    Image.fromarray(np.full((30, 30), 40_000, dtype=np.uint16)).save(sixteen, "PNG")
    picture("green").save(animated, "GIF", save_all=True, append_images=[picture("red"), picture("blue")])
    files = {
        "00 good.jpg": ("red", jpeg),
        "01 truncated.jpg": (None, noisy["JPEG"][:5000]),
        "02 truncated.png": (None, noisy["PNG"][:5000]),
        "03 good.png": ("green", encoded("green", "PNG")),
        "04 zero bytes.jpg": (None, b""),
        "05 text.jpg": (None, b"Dear reader, I am not a picture.\n" * 50),
        "06 bomb.png": (None, bomb()),
        "07 promises.png": (None, png(60_000, 60_000, zlib.compress(bytes(99)))),
        "08 1x1.png": ("blue", encoded("blue", "PNG", 1, 1)),
        "09 20000x10.png": ("red", encoded("red", "PNG", 20_000, 10)),
        "10 10x20000.jpg": ("green", encoded("green", "JPEG", 10, 20_000)),
        "11 cmyk.jpg": ("blue", cmyk.getvalue()),
        "12 sixteen bits.png": ("grey", sixteen.getvalue()),
        "13 animated.gif": ("green", animated.getvalue()),
        "14 turned.jpg": ("red", upright_only()),
        "15 webp called.jpg": ("blue", encoded("blue", "WEBP")),
        "16 extreme.png": (None, encoded("red", "PNG", 6_000_000, 1)),
        "17 line\nbreak.png": ("red", encoded("red", "PNG")),
        "18 ü 猫 \U0001f408.png": ("green", encoded("green", "PNG")),
        "19 zeros.jpg": (None, bytes(3000)),
        "20 upper case.JPG": ("blue", encoded("blue")),
        "21 large.jpg": ("red", encoded("red", "JPEG", 6000, 5000)),
    }
    folder.mkdir()
    for name, (_, data) in files.items():
        (folder / name).write_bytes(data)
    expected = {name: label for name, (label, _) in files.items()}
    (folder / "22 broken link.jpg").symlink_to(folder / "gone.jpg")
    expected["22 broken link.jpg"] = None
    (folder / "23 folder.jpg").mkdir()
    (folder / "24 last.bmp").write_bytes(encoded("green", "BMP"))
    expected["24 last.bmp"] = "green"
    # What is no picture by its name, or hidden, is nobody's business.
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden.jpg").write_bytes(jpeg)
    return expected
