"""Finds the digits on the pages in `examples/pages` and compares with what their names say is written there.

With `--draw PAGE PICTURE` it draws what is found on one page instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from multiweight import Predictor

SMALLEST_SHARE = 0.0025
"""Of a page's pixels; a digit has more, a speck of wrongly read ink less."""


def main() -> None:
    """Prints, page by page, the digits written and found, and the entry's own figures; or draws a page."""
    arguments = argparse.ArgumentParser(description="Find the digits on pages.")
    arguments.add_argument("--draw", nargs=2, metavar=("PAGE", "PICTURE"), help="Draw what is found on one page.")
    options = arguments.parse_args()
    predictor = Predictor("LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1")
    if options.draw:
        page, picture = options.draw
        predictor(page).draw().save(picture)
        return
    files = sorted(Path(__file__).with_name("pages").glob("*.png"))
    written_in_all = found_in_all = wrong_in_all = 0
    for file, answer in zip(files, predictor(files), strict=True):
        written = set(file.stem.partition("_")[2])
        found = {label for label, share in answer.share.items() if share >= SMALLEST_SHARE} - {"__background__"}
        print(f"{file.name}: written {' '.join(sorted(written))} | found {' '.join(sorted(found))}")
        written_in_all += len(written)
        found_in_all += len(written & found)
        wrong_in_all += len(found - written)
    meta = predictor.weights.meta
    print(f"\n{predictor.weights}: {found_in_all} of {written_in_all} found, {wrong_in_all} more that are not there")
    for dataset, figures in meta["metrics"].items():
        print(f"  claimed for {dataset}: mIoU {figures['miou']:.1f}, {figures['pixel_acc']:.1f} % of the pixels right")
    print(f"  data: {meta['dataset']}\n  split: {meta['split']}\n  licence of the weights: {meta['license']}")


if __name__ == "__main__":
    main()
