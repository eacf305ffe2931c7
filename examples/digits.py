"""Recognises the scans in `examples/digits` and compares with what they show, which their names end in."""

from __future__ import annotations

from pathlib import Path

from multiweight import Predictor


def main() -> None:
    """Prints the entry's own figures and how many of the scans are recognised."""
    predictor = Predictor("ShuffleNet_V2_X0_5_Weights.DIGITS_V2", top=1)
    files = sorted(Path(__file__).with_name("digits").glob("*.png"))
    wrong = [answer for answer in predictor.stream(files) if answer.label != Path(answer.source or "").stem[-1]]
    meta = predictor.weights.meta
    print(f"\n{predictor.weights}: {len(files) - len(wrong)} of {len(files)} scans right")
    for answer in wrong:
        print(f"  wrong: {answer}")
    for dataset, figures in meta["metrics"].items():
        print(f"  claimed for {dataset}: {figures['acc@1']:.2f} % top-1")
    print(f"  data: {meta['dataset']}\n  split: {meta['split']}\n  licence of the weights: {meta['license']}")


if __name__ == "__main__":
    main()
