"""Exported programs of detectors of two stages: any size of picture, and any number of detections."""

import io

import pytest
import torch
from torch.export import Dim

from tests.models.detection.support import assert_close, pictures, small

SIZES = [(50, 70), (64, 64), (9, 7), (200, 100), (20, 400), (1, 1)]


@pytest.fixture(scope="module")
def network():
    # With this threshold there are detections on some of the pictures only.
    return small("MaskRCNN", box_score_thresh=0.5).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def program(network):
    free = {1: Dim.DYNAMIC, 2: Dim.DYNAMIC}
    return torch.export.export(network, (pictures((50, 70)),), dynamic_shapes=([free],), strict=False)


def test_program_answers_the_same_for_pictures_of_every_size(network, program):
    run, counts = program.module(), set()
    for size in SIZES:
        for seed in (1, 2):
            images = pictures(size, seed=seed)
            answers = run(images)
            assert_close(answers, network(images), atol=1e-5)
            counts.add(len(answers[0]["boxes"]))
    assert 0 in counts
    assert len(counts) > 1


def test_program_of_several_pictures_survives_a_file():
    network = small("KeypointRCNN").eval().requires_grad_(False)
    images, free = pictures((50, 70), (60, 40)), {1: Dim.DYNAMIC, 2: Dim.DYNAMIC}
    file = io.BytesIO()
    torch.export.save(torch.export.export(network, (images,), dynamic_shapes=([free, free],), strict=False), file)
    file.seek(0)
    program = torch.export.load(file).module()
    for sizes in [((50, 70), (60, 40)), ((33, 80), (90, 20)), ((10, 10), (10, 10))]:
        images = pictures(*sizes)
        assert_close(program(images), network(images), atol=1e-5)
