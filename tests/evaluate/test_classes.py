"""Which of a network's classes the classes of a data set are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiweight.catalogue import Labels
from multiweight.errors import DatasetError
from multiweight.evaluate import match_classes

IMAGENET = Labels("imagenet1k").read()


class TestMatches:
    def test_the_labels_themselves_though_two_are_called_alike(self):
        for labels in (IMAGENET, ("crane", "egret", "crane")):
            matching = match_classes(labels, labels)
            assert matching.places == tuple(range(len(labels)))
            assert matching.how == "name"

    @given(st.permutations(["tench", "goldfish", "cock", "hen", "ostrich"]), st.integers(1, 5))
    def test_some_by_name_in_any_order(self, names, count):
        matching = match_classes(names[:count], IMAGENET)
        assert [IMAGENET[place] for place in matching.places] == names[:count]
        assert matching.how == "name"

    def test_names_as_folders_have_them(self):
        matching = match_classes(["Great_White_Shark", "TENCH"], IMAGENET)
        assert matching.places == (IMAGENET.index("great white shark"), 0)

    def test_a_name_in_its_own_case_first(self):
        assert match_classes(["a", "A"], ["A", "b", "a"]).places == (2, 0)

    def test_by_order_and_says_so(self):
        matching = match_classes(["null", "one"], ["0", "1"])
        assert matching.places == (0, 1)
        assert matching.how == "order"
        assert "by their order alone ('null' is '0', 'one' is '1')" in matching.reason


class TestRefuses:
    @pytest.mark.parametrize(
        ("classes", "labels", "text"),
        [
            (
                ["tench", "goldfisch"],
                IMAGENET,
                "2 classes and the entry 1000 labels.*'goldfisch' is not a label.*mean goldfish",
            ),
            (["n01440764", "n01443537"], IMAGENET, "WordNet ids are matched where all 1,000"),
            (["crane", "egret"], ["crane", "egret", "crane"], "'crane' may be any of the labels number 0, 2"),
            (["a", "A"], ["a", "b", "c"], "'a' and 'A' are both the label 'a'"),
            (["w", "x", "y", "z"], ["a"], r"'w', 'x', 'y' and 1 more are not labels"),
        ],
    )
    def test_what_cannot_be_matched(self, classes, labels, text):
        with pytest.raises(DatasetError, match=text):
            match_classes(classes, labels)
