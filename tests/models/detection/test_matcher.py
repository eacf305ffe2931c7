import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.errors import InputError
from multiweight.models.detection.matcher import Matcher, SSDMatcher
from tests.models.detection.single_stage import theirs

# Few values, so that there are ties and overlaps on a threshold.
tables = st.integers(1, 4).flatmap(
    lambda objects: st.integers(max(objects, 2), 8).flatmap(
        lambda boxes: st.lists(
            st.lists(st.integers(0, 10).map(lambda tenth: tenth / 10), min_size=boxes, max_size=boxes),
            min_size=objects,
            max_size=objects,
        )
    )
)


@settings(deadline=None)
@given(tables, st.sampled_from([(0.7, 0.3), (0.5, 0.5), (0.5, 0.0)]), st.booleans())
def test_matches_are_torchvisions(table, thresholds, low_quality):
    overlaps = torch.tensor(table)
    matches = Matcher(*thresholds, allow_low_quality_matches=low_quality)(overlaps)
    assert matches.dtype == torch.int64
    assert torch.equal(matches, theirs("matcher").Matcher(*thresholds, low_quality)(overlaps))


@settings(deadline=None)
@given(tables)
def test_ssd_matches_are_torchvisions(table):
    overlaps = torch.tensor(table)
    assert torch.equal(SSDMatcher(0.5)(overlaps), theirs("matcher").SSDMatcher(0.5)(overlaps))


def test_matches_as_documented():
    overlaps = torch.tensor([[0.9, 0.5, 0.1, 0.0], [0.2, 0.4, 0.2, 0.25]])
    assert Matcher(0.6, 0.3)(overlaps).tolist() == [0, Matcher.BETWEEN_THRESHOLDS, *[Matcher.BELOW_LOW_THRESHOLD] * 2]
    # The second object's best box overlaps the first one more, and so is taught that.
    assert Matcher(0.6, 0.3, allow_low_quality_matches=True)(overlaps).tolist() == [0, 0, -1, -1]
    assert SSDMatcher(0.6)(overlaps).tolist() == [0, 1, -1, -1]


@pytest.mark.parametrize("matcher", [Matcher(0.5, 0.4), SSDMatcher(0.5)])
@pytest.mark.parametrize(("shape", "missing"), [((0, 4), "object"), ((4, 0), "box")])
def test_nothing_to_match_is_a_sentence(matcher, shape, missing):
    with pytest.raises(InputError, match=f"no {missing} to match"):
        matcher(torch.zeros(shape))


def test_thresholds_the_wrong_way_round_are_a_sentence():
    with pytest.raises(ValueError, match=r"got 0\.5 > 0\.2"):
        Matcher(0.2, 0.5)
