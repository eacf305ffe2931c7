"""Counts: equal to torchmetrics, and to themselves however they are cut up."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiweight.evaluate import Counts
from tests.reference import torchvision

torchvision()  # which torchmetrics imports where it is installed
from torchmetrics.functional import classification as reference  # noqa: E402


def outputs(count, classes, *, seed=0, spread=3.0):
    """Logits that are right more often than not, and targets."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator) * spread
    targets = torch.randint(0, classes, (count,), generator=generator)
    logits[torch.arange(count), targets] += spread
    return logits, targets


def counted(logits, targets, *, batch_size=None, **options):
    counts = Counts(logits.shape[1], **options)
    size = batch_size or len(logits)
    for each, right in zip(logits.split(size), targets.split(size), strict=True):
        counts.add(each, right)
    return counts


def everything(counts):
    """All that was counted, exactly."""
    figures = [counts.total, counts.top1, counts.top5, counts.ece(), counts.not_numbers]
    return figures, counts.confusion.tolist(), counts.top5_right.tolist(), counts.bins()


class TestAgainstTorchmetrics:
    @pytest.mark.parametrize("classes", [6, 10, 1000])
    def test_every_figure(self, classes):
        logits, targets = outputs(1500, classes, seed=classes)
        counts = counted(logits, targets, batch_size=64)
        micro = {"num_classes": classes, "average": "micro"}
        for k, figure in ((1, counts.top1), (5, counts.top5)):
            expected = reference.multiclass_accuracy(logits, targets, top_k=k, **micro)
            assert figure == pytest.approx(100 * expected.item(), abs=1e-5)
        assert torch.equal(
            counts.confusion, reference.multiclass_confusion_matrix(logits, targets, num_classes=classes)
        )
        own = reference.multiclass_accuracy(logits, targets, num_classes=classes, average="none")
        ours = counts.top1_right / counts.support.clamp(min=1)
        assert torch.allclose(ours, own)

    @pytest.mark.parametrize("classes", [2, 10, 1000])
    @pytest.mark.parametrize("bins", [1, 10, 15])
    @pytest.mark.parametrize("spread", [0.1, 1.0, 2.0])
    def test_calibration_error(self, classes, bins, spread):
        # Logits of float64, so that no confidence is rounded to 1, which torchmetrics puts into a bin of its own.
        logits, targets = outputs(1200, classes, seed=bins, spread=spread)
        logits = logits.double()
        expected = reference.multiclass_calibration_error(logits, targets, num_classes=classes, n_bins=bins)
        # It sums in 32-bit floats.
        assert counted(logits, targets, bins=bins).ece() == pytest.approx(100 * expected.item(), abs=2e-4)


class TestSums:
    @settings(max_examples=25, deadline=None)
    @given(
        count=st.integers(1, 60), batch_size=st.integers(1, 61), classes=st.integers(1, 12), seed=st.integers(0, 2**31)
    )
    def test_neither_batches_nor_order_change_anything(self, count, batch_size, classes, seed):
        logits, targets = outputs(count, classes, seed=seed)
        once = everything(counted(logits, targets))
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        assert everything(counted(logits, targets, batch_size=batch_size)) == once
        assert everything(counted(logits[order], targets[order], batch_size=batch_size)) == once

    def test_what_is_counted_is_what_there_was(self):
        logits, targets = outputs(500, 10)
        counts = counted(logits, targets, batch_size=37)
        assert counts.total == 500
        assert counts.support.tolist() == targets.bincount(minlength=10).tolist()
        assert sum(part.count for part in counts.bins()) == 500
        right = sum(part.accuracy * part.count for part in counts.bins())
        assert 100 * right / 500 == pytest.approx(counts.top1)
        assert (counts.top1_right <= counts.top5_right).all()
        assert (counts.top5_right <= counts.support).all()

    def test_calibration_by_hand(self):
        # Confidences 0.9 (right), 0.9 (wrong) and 0.6 (right): |1 - 1.8| and |1 - 0.6|, of three pictures.
        confidences = torch.tensor([0.9, 0.9, 0.6], dtype=torch.float64)
        logits = torch.stack([confidences.log(), (1 - confidences).log()], 1)
        counts = counted(logits, torch.tensor([0, 1, 0]), bins=10)
        assert counts.ece() == pytest.approx(100 * (0.8 + 0.4) / 3)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
    def test_a_sure_network_is_in_the_last_bin(self, dtype):
        logits = torch.tensor([[100.0, 0.0], [0.0, 100.0]], dtype=dtype)
        counts = counted(logits, torch.tensor([0, 1]))
        assert [part.count for part in counts.bins()] == [0] * 14 + [2]
        assert (counts.top1, counts.ece()) == (100, 0)

    def test_nothing_counted(self):
        counts = Counts(10)
        counts.add(torch.zeros(0, 10), torch.zeros(0, dtype=torch.int64))
        assert counts.total == 0
        assert all(math.isnan(figure) for figure in (counts.top1, counts.top5, counts.ece()))
        assert counts.reduce() is counts


class TestTies:
    def test_go_to_the_lower_class_in_every_figure(self):
        logits = torch.zeros(7, 7)
        counts = counted(logits, torch.arange(7))
        assert counts.confusion[:, 0].tolist() == [1] * 7
        assert counts.top1_right.tolist() == [1, 0, 0, 0, 0, 0, 0]
        assert counts.top5_right.tolist() == [1, 1, 1, 1, 1, 0, 0]

    @settings(max_examples=30, deadline=None)
    @given(rows=st.lists(st.lists(st.integers(0, 2), min_size=8, max_size=8), min_size=1, max_size=20))
    def test_are_those_of_a_stable_sort(self, rows):
        logits = torch.tensor(rows, dtype=torch.float32)
        targets = torch.arange(len(rows)) % 8
        best = logits.sort(dim=1, descending=True, stable=True).indices
        counts = counted(logits, targets)
        right = best == targets[:, None]
        assert counts.top1 == 100 * int(right[:, 0].sum()) / len(rows)
        assert counts.top5 == 100 * int(right[:, :5].any(1).sum()) / len(rows)
        for row, target in zip(best.tolist(), targets.tolist(), strict=True):
            assert counts.confusion[target, row[0]] > 0


class TestWhatIsNoNumber:
    def test_is_the_least_and_is_counted(self):
        nan, infinite = float("nan"), float("inf")
        logits = torch.tensor([[nan, 1.0, 0.0], [infinite, 0.0, 1.0], [nan, nan, nan], [-infinite, 0.0, 1.0]])
        counts = counted(logits, torch.tensor([0, 2, 2, 2]))
        assert counts.not_numbers == 3
        assert counts.confusion.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 2]]
        assert math.isfinite(counts.ece())


class TestRefuses:
    @pytest.mark.parametrize(
        ("logits", "targets", "text"),
        [
            ((2, 9), (2,), r"Expected logits \(N, 10\) and targets \(N,\); got \(2, 9\) and \(2,\)"),
            ((2, 10), (3,), r"got \(2, 10\) and \(3,\)"),
            ((10,), (1,), r"got \(10,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, logits, targets, text):
        with pytest.raises(ValueError, match=text):
            Counts(10).add(torch.zeros(logits), torch.zeros(targets, dtype=torch.int64))

    @pytest.mark.parametrize("target", [-1, 10])
    def test_targets_that_are_no_class(self, target):
        with pytest.raises(ValueError, match=f"classes from 0 to 9; got {target} to {target}"):
            Counts(10).add(torch.zeros(1, 10), torch.tensor([target]))

    def test_no_classes(self):
        with pytest.raises(ValueError, match="at least one class"):
            Counts(0)
