"""Drawings of predictions on small made-up scenes, looked at pixel by pixel."""

import io
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from multiweight.errors import InputError, InputTypeError
from multiweight.predict import Detections, FlowField, Prediction, SegmentationMap, VideoLabels
from multiweight.predict._drawing import SMALL, Tab, class_colour, draw_tabs, enlarged, text_colour
from multiweight.predict._flow import flow_colours
from tests.reference import torchvision

HEIGHT, WIDTH = 300, 400
GREY = (90, 100, 110)


def scene(width=WIDTH, height=HEIGHT, colour=GREY):
    return Image.new("RGB", (width, height), colour)


def pixels(drawing):
    assert drawing.mode == "RGB"
    return np.asarray(drawing).astype(int)


def changed(drawing, colour=GREY):
    return (pixels(drawing) != colour).any(-1)


def has(drawing, colour):
    return (pixels(drawing) == colour).all(-1)


def inked(drawing, index=3):
    """The pixels of a tab's text, whose edges are smooth: nearer to its colour than to the tab's."""
    ink, tab = (np.array(colour) for colour in (text_colour(class_colour(index)), class_colour(index)))
    return np.abs(pixels(drawing) - ink).sum(-1) < np.abs(ink - tab).sum() / 2


def found(box=(100, 120, 300, 250), index=3, size=(HEIGHT, WIDTH), **more):
    boxes = np.array([box], np.float32)
    return Detections(None, boxes, np.array([0.875]), ("cat",), np.array([index]), size, **more)


def test_a_box_has_its_colour_and_the_rest_is_as_it_was():
    before = scene()
    drawing = found().draw(before)
    after, colour = pixels(drawing), class_colour(3)
    assert drawing.size == (WIDTH, HEIGHT)
    assert not changed(before).any()  # it is a copy that is drawn on
    for row, column in ((120, 200), (249, 200), (180, 100), (180, 299), (120, 100), (249, 299)):
        assert tuple(after[row, column]) == colour, (row, column)
    for row, column in ((180, 99), (180, 300), (250, 200), (119, 299)):
        assert tuple(after[row, column]) == GREY, (row, column)
    assert not changed(drawing)[123:247, 103:297].any()
    assert not changed(drawing)[:, 300:].any()
    assert not changed(drawing)[:90].any()
    tab = changed(drawing)[90:120]
    assert tab.any()  # above the box, from its left edge on, with text in it
    assert np.flatnonzero(tab.any(0))[0] == 100
    assert 40 < inked(drawing).sum() == inked(drawing)[90:120, 100:300].sum()


def test_a_mask_is_blended_and_has_an_outline():
    mask = np.zeros((1, HEIGHT, WIDTH), bool)
    mask[0, 140:240, 120:280] = True
    after, colour = pixels(found(masks=mask).draw(scene())), class_colour(3)
    mixed = np.array(GREY) + (np.array(colour) - GREY) * 0.45
    inside = after[145:235, 125:275]
    assert np.abs(inside - mixed).max() <= 1
    for row, column in ((140, 200), (239, 200), (200, 120), (200, 279)):
        assert tuple(after[row, column]) == colour
    for row, column in ((139, 200), (240, 200), (200, 119), (200, 280)):
        assert tuple(after[row, column]) == GREY


def test_small_masks_lie_above_large_ones_whatever_the_order():
    masks = np.zeros((2, HEIGHT, WIDTH), bool)
    masks[0, 150:200, 150:200], masks[1, 100:280, 50:350] = True, True
    boxes = [[150, 150, 200, 200], [50, 100, 350, 280]]
    both = Detections(None, boxes, [0.5, 0.9], ("cat", "dog"), [3, 4], (HEIGHT, WIDTH), masks)
    turned = both[::-1]
    assert np.array_equal(pixels(both.draw(scene())), pixels(turned.draw(scene())))
    assert tuple(pixels(both.draw(scene()))[150, 175]) == class_colour(3)


def pose(names, **more):
    points = np.array([[[150, 150, 1], [250, 150, 1], [250, 220, 1]]], np.float32)
    return found(keypoints=points, keypoint_names=names, **more)


def test_limbs_are_drawn_between_keypoints_with_the_names_of_coco():
    body = changed(pose(("left_shoulder", "left_elbow", "left_wrist")).draw(scene()))
    assert body[150, 200]
    assert body[185, 250]
    assert not body[185, 200]  # shoulder and wrist are not joined
    points = changed(pose(("corner", "edge", "middle")).draw(scene()))
    assert points[150, 150]
    assert points[150, 250]
    assert points[220, 250]
    assert not points[150, 200]
    assert not points[185, 250]
    assert np.array_equal(points, changed(pose(()).draw(scene())))


def test_the_sides_of_a_body_differ():
    left, right = (pose([f"{side}_{part}" for part in ("hip", "knee", "ankle")]) for side in ("left", "right"))
    assert tuple(pixels(left.draw(scene()))[150, 200]) != tuple(pixels(right.draw(scene()))[150, 200])


@pytest.mark.parametrize("hidden", ["not visible", "not likely"])
def test_hidden_keypoints_are_left_out(hidden):
    visible, likely = np.ones((1, 3)), np.ones((1, 3))
    (visible if hidden == "not visible" else likely)[0, 1] = 0
    body = pose(("left_shoulder", "left_elbow", "left_wrist"), keypoint_scores=likely)
    body.keypoints[..., 2] = visible
    after = changed(body.draw(scene()))
    assert after[150, 150]
    assert after[220, 250]
    assert not after[150, 250]
    assert not after[150, 200]


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 400, 300),
        (0, 0, 30, 20),
        (390, 0, 400, 10),
        (390, 290, 400, 300),
        (0, 299, 5, 300),
        (-500, -500, 3, 3),
        (395.5, 100, 9000, 280),
        (1e9, 1e9, 2e9, 2e9),
        (-3e38, -3e38, 3e38, 3e38),
        (200, 200, 200, 200),
    ],
)
def test_tabs_stay_inside_the_picture(box):
    drawing = found(box=box).draw(scene())
    beside = box[0] > 1e8
    assert changed(drawing).any() != beside
    if not beside:
        # As many pixels of text as in the middle of a picture: none was cut off.
        assert inked(drawing).sum() == inked(found().draw(scene())).sum()


def test_tabs_do_not_hide_each_other_where_there_is_room():
    boxes = [(100, 120, 300, 250), (102, 121, 300, 251), (101, 122, 298, 249)]
    tabs = [
        Tab(text, "9%", class_colour(place), box) for place, (text, box) in enumerate(zip("abc", boxes, strict=True))
    ]
    together = enlarged(scene())
    draw_tabs(together, tabs)
    for tab in tabs:
        alone = enlarged(scene())
        draw_tabs(alone, [tab])
        assert has(together.picture, tab.colour).sum() == has(alone.picture, tab.colour).sum() > 100


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.lists(st.tuples(*[st.floats(-100, 800, width=32)] * 4), min_size=1, max_size=6),
    st.text(max_size=30),
)
def test_any_picture_any_box_any_label(width, height, corners, label):
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners], np.float32)
    count = len(boxes)
    masks = np.ones((count, height, width), bool)
    made = Detections(None, boxes, np.full(count, 0.5), (label,) * count, range(count), (height, width), masks)
    drawing = made.draw(scene(width, height))
    scale = drawing.width // width
    assert drawing.size == (width * scale, height * scale)
    assert scale == 1 or max(width, height) < SMALL <= max(drawing.size)
    named = SegmentationMap(None, np.zeros((height, width), np.uint8), (label,)).draw(scene(width, height))
    assert (named.width, named.height > height * scale) == (width * scale, True)
    assert Prediction(None, (label,), (0.25,), (0,)).draw(scene(width, height)).width == width * scale
    moved = FlowField(None, np.ones((2, height, width))).draw()
    assert moved.size == drawing.size


def test_small_pictures_are_enlarged_and_need_not_be():
    small = found(box=(10, 12, 30, 25), size=(30, 40))
    assert small.draw(scene(40, 30)).size == (40 * 7, 30 * 7)  # 280 is the first multiple of 40 from 256 on
    assert small.draw(scene(40, 30), scale=1).size == (40, 30)
    tripled = pixels(small.draw(scene(40, 30), scale=3))
    assert tripled.shape == (90, 120, 3)
    assert tuple(tripled[74, 60]) == class_colour(3)
    assert tuple(tripled[75, 60]) == GREY
    for scale in (0, -1, 1.5):
        with pytest.raises(ValueError, match="scale must be a whole number of at least 1"):
            small.draw(scene(40, 30), scale=scale)


def test_text_grows_with_the_picture():
    def letters(factor):
        size = (HEIGHT * factor, WIDTH * factor)
        box = tuple(side * factor for side in (100, 120, 300, 250))
        drawing = found(box=box, size=size).draw(scene(*size[::-1]))
        return np.flatnonzero(inked(drawing).any(1))

    heights = [np.ptp(letters(factor)) + 1 for factor in (1, 2, 4, 8)]
    assert heights[0] >= 7
    assert all(1.4 < larger / smaller < 2.6 for smaller, larger in itertools.pairwise(heights))


def test_class_colours():
    colours = [class_colour(index) for index in range(256)]
    assert len(set(colours)) == 256
    # Files drawn yesterday and today must agree.
    assert colours[:4] == [(85, 221, 85), (238, 119, 255), (34, 85, 221), (204, 0, 0)]
    assert class_colour(256) == colours[0]
    first = np.array(colours[:21])
    apart = np.abs(first[:, None] - first[None]).sum(-1)[~np.eye(21, dtype=bool)]
    assert apart.min() >= 60
    for colour in colours:
        assert contrast(colour, text_colour(colour)) >= 4.5


def contrast(one, other):
    """The contrast ratio of WCAG 2, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""

    def luminance(colour):
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_black_or_white_whichever_is_clearer():
    for colour in np.random.default_rng(0).integers(0, 256, (200, 3)).tolist() + [[v, v, v] for v in range(256)]:
        best = max(((0, 0, 0), (255, 255, 255)), key=lambda ink: contrast(colour, ink))
        chosen = text_colour(tuple(colour))
        assert chosen == best or contrast(colour, chosen) > 4.5


LABELS = ("__background__", "dog", "cat", "bus")


def mapped():
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    classes[100:200, 100:200], classes[100:200, 200:300] = 1, 2
    return SegmentationMap(None, classes, LABELS)


def test_a_map_is_blended_and_the_background_left_alone():
    drawing = mapped().draw(scene(), legend=False)
    after = pixels(drawing)
    assert drawing.size == (WIDTH, HEIGHT)
    for index, columns in ((1, slice(105, 195)), (2, slice(205, 295))):
        mixed = np.array(GREY) + (np.array(class_colour(index)) - GREY) * 140 / 255
        assert np.abs(after[105:195, columns] - mixed).max() <= 1
    assert tuple(after[150, 199]) == class_colour(1)  # the edges, where one class meets another
    assert tuple(after[150, 200]) == class_colour(2)
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[100:200, 100:300] = False
    assert not changed(drawing)[outside].any()


def test_the_legend_has_the_classes_that_are_there():
    drawing = mapped().draw(scene())
    bare = mapped().draw(scene(), legend=False)
    assert drawing.width == WIDTH
    assert np.array_equal(pixels(drawing)[:HEIGHT], pixels(bare))
    strip = drawing.crop((0, HEIGHT, *drawing.size))
    assert strip.height >= 12
    assert has(strip, class_colour(1)).sum() > 50
    assert has(strip, class_colour(2)).sum() > 50
    assert not has(strip, class_colour(3)).any()
    assert not has(strip, class_colour(0)).any()
    assert (pixels(strip).max(-1) < 120).sum() > 100  # text


def test_a_narrow_legend_has_more_rows_and_cuts_long_labels():
    labels = tuple(f"a label of considerable length, number {number}" for number in range(4))
    classes = np.arange(4, dtype=np.uint8).repeat(100)[:, None].repeat(300, 1)  # (400, 300)
    narrow = SegmentationMap(None, classes, labels).draw(scene(300, 400))
    wide = SegmentationMap(None, classes.repeat(5, 1), labels).draw(scene(1500, 400))
    assert narrow.height - 400 > 60
    strip = pixels(narrow)[400:]
    assert (strip[:, -3:] == 255).all()  # nothing runs into the margin
    assert wide.height > 400


def test_a_prediction_has_its_picture_above_bars():
    prediction = Prediction(None, ("tabby", "tiger cat", "lynx"), (0.75, 0.25, 0.0), (281, 282, 287))
    drawing = prediction.draw(scene())
    assert drawing.width == WIDTH
    assert not changed(drawing)[:HEIGHT].any()
    strip = pixels(drawing)[HEIGHT:]
    first = strip[: len(strip) // 3]
    bar = (first == (155, 196, 240)).all(-1).sum(1).max()
    assert bar == pytest.approx(0.75 * WIDTH, rel=0.1)
    assert (strip.max(-1) < 120).sum() > 100
    assert not (strip[-12:] == (214, 226, 240)).all(-1).any()  # no bar for nothing
    assert (strip[len(strip) // 3 : -len(strip) // 3] == (214, 226, 240)).all(-1).any()


def test_a_video_is_drawn_on_a_frame():
    video = VideoLabels("clip.mp4", ("yoga",), (0.5,), (3,))
    drawn = video.draw(scene())
    assert np.array_equal(pixels(drawn), pixels(Prediction(None, ("yoga",), (0.5,), (3,)).draw(scene())))
    with pytest.raises(InputError, match=r"clip.mp4 has many pictures; give the one to draw on: draw\(frame\)"):
        video.draw()


def every_kind(tmp_path):
    before = Image.fromarray(np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    array = np.array(before)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    path = tmp_path / "scene.png"
    before.save(path)
    return {
        "PIL": before,
        "RGBA": before.convert("RGBA"),
        "path": path,
        "str": str(path),
        "URL": path.as_uri(),
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
        "array": array,
        "floats": array.astype(np.float32) / 255,
        "tensor": tensor,
        "tensor of floats": (tensor / 255).requires_grad_(),
    }


def test_the_picture_may_be_of_any_kind(tmp_path):
    given_as = every_kind(tmp_path)
    expected = pixels(found().draw(given_as["PIL"]))
    for kind, picture in given_as.items():
        assert np.array_equal(pixels(found().draw(picture)), expected), kind
    named = Detections(str(given_as["path"]), [[100, 120, 300, 250]], [0.875], ("cat",), [3], (HEIGHT, WIDTH))
    assert np.array_equal(pixels(named.draw()), expected)
    grey = scene().convert("L")
    assert found().draw(grey).mode == "RGB"
    assert np.array_equal(pixels(found().draw(np.asarray(grey))), pixels(found().draw(grey)))
    assert np.array_equal(pixels(found().draw(torch.from_numpy(np.array(grey))[None])), pixels(found().draw(grey)))


def test_a_picture_that_is_turned_is_drawn_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(HEIGHT, WIDTH).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(InputError, match="has 400x300"):
        found(size=(WIDTH, HEIGHT)).draw(tmp_path / "turned.jpg")
    assert found().draw(tmp_path / "turned.jpg").size == (WIDTH, HEIGHT)


def test_what_cannot_be_drawn_on_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"no path to open the picture of these detections again; .*draw\(picture\)"):
        found().draw()
    with pytest.raises(InputError, match="These detections are of a picture of 400x300 pixels; .* has 40x30"):
        found().draw(scene(40, 30))
    with pytest.raises(InputError, match="This map is of a picture of 400x300 pixels"):
        mapped().draw(scene(300, 400))
    with pytest.raises(InputError, match="gone.jpg: there is no such file"):
        found().draw(tmp_path / "gone.jpg")
    with pytest.raises(InputTypeError, match="Got a dict, which is no picture"):
        found().draw({})
    with pytest.raises(InputError, match="floats goes from 0 to 1"):
        found().draw(np.full((HEIGHT, WIDTH, 3), 200.0))


@pytest.fixture(scope="module")
def flow_to_image():
    torchvision()
    from torchvision.utils import flow_to_image

    return flow_to_image


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(1e-2, 1e3), st.integers(0, 2**32 - 1), st.booleans())
def test_flow_has_the_colours_of_the_reference(flow_to_image, height, width, length, seed, whole):
    flow = np.random.default_rng(seed).normal(size=(2, height, width)).astype(np.float32) * np.float32(length)
    flow = flow.round() if whole else flow  # axes and diagonals, and pixels that do not move
    expected = flow_to_image(torch.from_numpy(flow)).permute(1, 2, 0).numpy().astype(int)
    magnitude = np.hypot(*flow)
    drawn = flow_colours(flow, float(magnitude.max())).astype(int)
    # Where its rounding makes the longest vector longer than itself, a level below 0 comes out as 255 there.
    wrapped = (expected == 255) & (drawn == 0) & (magnitude == magnitude.max())[..., None]
    differences = np.abs(drawn - expected)[~wrapped]
    assert differences.max(initial=0) <= 1  # the last bit of an arc tangent
    assert (differences > 0).sum() <= 1 + differences.size // 1000
    assert wrapped.sum() <= 6


WHEEL = [
    ((1, 0), (255, 0, 0)),
    ((0, 0), (255, 255, 255)),
    ((-1, 0), None),
    ((0.5, 0), (255, 127, 127)),
    ((2, 0), (191, 0, 0)),  # beyond the largest: three quarters
]


@pytest.mark.parametrize(("vector", "colour"), WHEEL)
def test_colours_of_the_wheel(vector, colour):
    drawn = tuple(flow_colours(np.array(vector, np.float32).reshape(2, 1, 1), 1.0)[0, 0].tolist())
    if colour is None:  # half way around: between green-cyan and cyan-blue
        assert drawn[0] == 0
        assert min(drawn[1:]) > 200
    else:
        assert drawn == colour


def around():
    """A field that turns around the middle, in 300 by 400 pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return np.stack([HEIGHT / 2 - y, x - WIDTH / 2]) / 10


def test_a_flow_is_its_colours_with_a_wheel_in_the_corner():
    field = FlowField(None, around())
    bare = field.draw(legend=False)
    assert np.array_equal(pixels(bare), flow_colours(field.flow, float(field.magnitude.max())).astype(int))
    drawing = field.draw()
    assert drawing.size == (WIDTH, HEIGHT)
    differs = (pixels(drawing) != pixels(bare)).any(-1)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0))
    assert rows[0] > HEIGHT * 0.6
    assert columns[0] > WIDTH * 0.7
    panel = pixels(drawing)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    wide = panel.shape[1]
    right, left = panel[wide // 2, wide - 7], panel[wide // 2, 7]
    assert right[0] > 200
    assert right[0] > right[1] + 100  # to the right is red
    assert left[2] > 200
    assert left[2] > left[0] + 100
    assert (panel[wide:].max(-1) < 120).any()  # what the rim stands for


def test_flows_of_one_scale_have_comparable_colours():
    field, faster = FlowField(None, around()), FlowField(None, around() * 2)
    assert np.array_equal(pixels(field.draw(legend=False)), pixels(faster.draw(legend=False)))
    one, other = (pixels(each.draw(legend=False, largest=60.0)) for each in (field, faster))
    assert one.sum() > other.sum()  # the slower one is nearer to white
    for largest in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="largest must be a number of pixels above 0"):
            field.draw(largest=largest)


def test_a_flow_over_its_picture():
    field = FlowField(None, around())
    drawing = field.draw(scene(), legend=False)
    grey = round(np.dot(GREY, (0.299, 0.587, 0.114)))
    colours = flow_colours(field.flow, float(field.magnitude.max()))
    assert np.abs(pixels(drawing) - (0.35 * grey + 0.65 * colours)).max() <= 2
    with pytest.raises(InputError, match="This flow is of a picture of 400x300 pixels"):
        field.draw(scene(40, 30))


def test_a_flow_of_nothing_is_white():
    still = FlowField(None, np.zeros((2, HEIGHT, WIDTH), np.float32))
    assert (pixels(still.draw(legend=False)) == 255).all()
    still.draw()


def test_tabs_are_placed_best_first():
    on = enlarged(scene())
    draw_tabs(
        on, [Tab("first", "9%", (255, 0, 0), (50, 50, 90, 90)), Tab("second", "8%", (0, 0, 255), (50, 50, 90, 90))]
    )
    red, blue = has(on.picture, (255, 0, 0)), has(on.picture, (0, 0, 255))
    assert np.flatnonzero(red.any(1))[-1] == 49  # just above the box
    assert np.flatnonzero(blue.any(1))[0] >= 50  # which left the inside to the second
