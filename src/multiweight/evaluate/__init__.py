"""How good weights are, measured."""

from multiweight.evaluate.classes import Matching, match_classes
from multiweight.evaluate.counts import Bin, Counts
from multiweight.evaluate.evaluation import Claim, ClassFigures, Evaluator, Measurement, claimed_figures, evaluate
from multiweight.evaluate.measuring import EvaluationBatch, measure
from multiweight.evaluate.pictures import check_drawing, confused_pairs, draw
from multiweight.evaluate.records import read_records, write_record
from multiweight.evaluate.sensitivity import Cost, Mistake, mistakes, sensitivity

__all__ = [
    "Bin",
    "Claim",
    "ClassFigures",
    "Cost",
    "Counts",
    "EvaluationBatch",
    "Evaluator",
    "Matching",
    "Measurement",
    "Mistake",
    "check_drawing",
    "claimed_figures",
    "confused_pairs",
    "draw",
    "evaluate",
    "match_classes",
    "measure",
    "mistakes",
    "read_records",
    "sensitivity",
    "write_record",
]
