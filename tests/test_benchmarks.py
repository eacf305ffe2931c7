"""The measuring code runs; what it measures is `make bench`'s business."""

from benchmarks.harness import OURS, Row, Section, interleaved, machine, timed


def test_rounds_are_interleaved_and_medians_taken():
    calls = []
    costs = iter([9.0, 1.0, 5.0, 3.0])

    def ours():
        calls.append("a")
        return next(costs)

    def other():
        calls.append("b")
        return 6.0

    assert interleaved({OURS: ours, "peer": other}, rounds=3) == {OURS: 3.0, "peer": 6.0}
    assert calls == ["a", "b"] * 4


def test_a_table_has_the_figures_and_the_ratio():
    text = Section("Title", "About.", [Row("thing", "ms", {OURS: 2.0, "peer": 5.0}, "note")]).markdown()
    assert "| thing | 2 ms | 5 ms | **2.50×** | note |" in text


def test_time_is_scaled_by_repeats():
    assert timed(lambda: None, repeats=1000)() < 100


def test_the_machine_is_described():
    assert "torch" in machine()
