"""Masks as COCO's run-length code: what pycocotools writes, and back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from multiweight.predict._rle import decode_mask, encode_mask


def rows(text):
    """A mask from its rows, `#` inside."""
    return np.array([[pixel == "#" for pixel in row] for row in text.split()])


def noise():
    return ((np.arange(23 * 17, dtype=np.int64) * 2654435761 >> 13 & 7) < 3).reshape(23, 17)


def ellipse():
    y, x = np.mgrid[:300:6, :420:6]
    return ((y - 170) / 110) ** 2 + ((x - 200) / 180.5) ** 2 < 1


KNOWN = [
    # Worked out by hand: the runs, column by column; each number in groups of 5 bits; 48 added, 80 where more follow.
    (rows("..."), "3"),
    (rows("###"), "03"),  # no pixels outside come first
    (rows(".#. .#."), "222"),
    (rows("#. .#"), "0120"),  # 0, 1, 2, 1: the fourth is written as 1 - 1
    (rows("....##.#"), "421O"),  # 4, 2, 1, 1: the fourth is 1 - 2, all of whose bits are set
    (np.zeros((4, 4), bool), "`0"),  # 16 is 10000 in binary, whose high bit alone would be a sign
    (np.ones((4, 5), bool), "0d0"),
    (np.zeros((100, 100), bool), "`h9"),
    (np.zeros((0, 5), bool), "0"),
    # Written by pycocotools 2.0.11.
    (noise(), "058O51JOJ1606OKOJ16140LMJ36OLM430NK340LM431LL341JM63OLM430KN6150K1IO6150LOI"),
    (
        ellipse(),
        "Q78X14L3N3M2N2N101N2N101N101N101O0O101O000O10001O000000000000000000000000000000O101O000O2O000O2O000O2O1N101N2N"
        "1O2N2N3M2M5Kd8",
    ),
    (np.pad(np.ones((40, 30), bool), 20), f"db1X1X1{'0' * 57}\\a1"),
]


@pytest.mark.parametrize(("mask", "counts"), KNOWN, ids=[counts[:12] for _, counts in KNOWN])
def test_known_codes(mask, counts):
    code = encode_mask(mask)
    assert code == {"size": list(mask.shape), "counts": counts}
    assert np.array_equal(decode_mask(code), mask)
    assert np.array_equal(decode_mask(code | {"counts": counts.encode()}), mask)


@settings(max_examples=300, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=40)))
def test_round_trip(mask):
    code = json.loads(json.dumps(encode_mask(mask)))
    back = decode_mask(code)
    assert back.dtype == bool
    assert np.array_equal(back, mask)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=30), st.booleans())
def test_round_trip_of_long_runs(runs, inside):
    """Numbers of up to four groups, and differences of both signs, in one column."""
    mask = (np.arange(len(runs)) % 2 == inside).repeat(runs)[:, None]
    code = encode_mask(mask)
    assert np.array_equal(decode_mask(code), mask)
    counts = [0] * bool(mask[0, 0]) + runs
    assert np.array_equal(decode_mask({"size": mask.shape, "counts": counts}), mask)  # COCO's uncompressed form


def test_numbers_and_strides_do_not_matter():
    mask = noise()
    for same in (mask.astype(np.uint8) * 255, mask.astype(np.float32), np.asfortranarray(mask), mask[::-1][::-1]):
        assert encode_mask(same) == encode_mask(mask)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ({"size": [2, 2], "counts": "3"}, "add up to 3 pixels; 2x2 are 4"),
        ({"size": [2, 2], "counts": "5O"}, "a run of -1 pixels"),
        ({"size": [2, 2], "counts": "\n"}, "byte 10 at 0 is no part"),
        ({"size": [2, 2], "counts": "4é"}, "byte 195 at 1 is no part"),
        ({"size": [2, 2], "counts": "P"}, "ends within a number"),
        ({"size": [2, 2], "counts": "P" * 20 + "0"}, "too long"),
        ({"size": [2, 2]}, "expected {'size'"),
        ({"size": 4, "counts": "4"}, "expected {'size'"),
        ({"size": [2.5, 2], "counts": "4"}, "expected {'size'"),
        ({"size": [-2, -2], "counts": "4"}, "-2x-2"),
        ({"size": [2, 2], "counts": ""}, "add up to 0"),
    ],
)
def test_what_is_no_code_is_an_error(code, text):
    with pytest.raises(ValueError, match=text):
        decode_mask(code)


def test_a_mask_has_two_sides():
    with pytest.raises(ValueError, match=r"expected a mask of shape \(H, W\), got \(2, 3, 4\)"):
        encode_mask(np.zeros((2, 3, 4)))
