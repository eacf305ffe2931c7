"""`multiweight predict`: say what is in pictures and videos."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TextIO

import click

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.catalogue._schema import UNTRAINED
from multiweight.cli._inputs import expand, paired
from multiweight.cli._reference import complete
from multiweight.cli._results import WRITERS, Drawings, Survey, Write
from multiweight.errors import DownloadError, MultiweightError, OfflineError

if TYPE_CHECKING:
    from multiweight.predict import Predictor

_EMBEDDED = """\
Without network, use the weights that ship with the package (they read handwritten digits):
  multiweight predict --weights ShuffleNet_V2_X0_5_Weights.DIGITS_V2 INPUT..."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141
"""What a shell reports of a program that SIGINT or SIGPIPE has ended."""

_LONG = 32
"""Inputs from which on the work is long enough for a progress bar."""


class _Unusable(click.ClickException):
    """Nothing could be predicted at all: as any other wrong usage."""

    exit_code = 2


_ONLY_FOR = {
    "top": ("classification", "detection", "video"),
    "threshold": ("detection",),
    "clips": ("video",),
    "frame_rate": ("video",),
    "pairs": ("optical_flow",),
}
"""The tasks of the options that not all have."""


@click.command("predict")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--weights",
    metavar="REF",
    default="ResNet50_Weights.DEFAULT",
    show_default=True,
    shell_complete=complete,
    help="What to use.",
)
@click.option(
    "--top", type=click.IntRange(min=1), help="Labels a picture or video, default 5; detections a picture, default all."
)
@click.option("--threshold", type=click.FloatRange(0, 1), help="Least score of a detection, from 0 to 1; default 0.5.")
@click.option(
    "--draw", metavar="FOLDER", help="Draw the results into pictures there; files that are there stay as they are."
)
@click.option(
    "--pairs",
    type=click.Choice(["separate", "consecutive"]),
    help="For optical flow, how pictures make pairs: 1 2, 3 4, … (the default) or 1 2, 2 3, …",
)
@click.option(
    "--clips", type=click.IntRange(min=1), help="Clips to look at in a video; default: as the weights were measured."
)
@click.option(
    "--frame-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Frames a second of folders of frames; default: as many as the weights want, so that each one counts.",
)
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 …; default: cuda if there is one, else cpu.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Pictures, clips or pairs at once in the model; default: 16 to classify, 4 to segment, 2 to detect, else 1.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Threads that decode; default: one a processor, at most 8.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv"]),
    help="Default: table on a terminal, json (one object a line) in a pipe or file, csv for --output NAME.csv.",
)
@click.option("--output", metavar="FILE", help="Write there; FILE is complete once it is there under its name.")
@click.pass_context
def command(ctx: click.Context, inputs: tuple[str, ...], **options: Any) -> None:
    """Say what is in pictures and videos, as the weights can: labels, boxes, masks, keypoints, classes, motion.

    INPUT is a file, a URL, a folder (with its subfolders; files that end as pictures do, hidden ones left out), a
    quoted pattern, or - for a list of such names on standard input, one a line.

    Weights for videos take video files (with the extra multiweight[video]) and folders whose pictures are the frames,
    in natural order; a folder without pictures stands for the videos in it. Weights for optical flow take the same,
    where each two frames that follow each other are a pair, and pictures, which make pairs in the order given.

    Exit status: 0 if every input got its answer; 1 if some could not be used, each named on standard error; 2 if
    there was nothing to do, or the weights or options are wrong.

    \b
    Examples:
      multiweight predict photo.jpg
      multiweight predict photos/ "more/**/*.png" https://example.org/cat.jpg --top 1
      find . -name "*.jpg" | multiweight predict - --format csv > answers.csv
      multiweight predict examples/digits --weights ShuffleNet_V2_X0_5_Weights.DIGITS_V2
      multiweight predict photos/ --weights run/best.safetensors
      multiweight predict photos/ --output answers.json --device cuda --batch-size 64
      multiweight predict street.jpg --weights maskrcnn_resnet50_fpn --threshold 0.8 --draw found/
      multiweight predict clip.mp4 frames/ --weights swin3d_t --clips 3
      multiweight predict before.png after.png --weights raft_small --draw flow/
    """
    try:
        with warnings.catch_warnings():
            # Pillow's remarks on odd metadata; a picture that cannot be used is an error of ours.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            failed = _Run(inputs, **options).all()
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        ctx.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The interpreter flushes standard output when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(_BROKEN_PIPE)
    if failed:
        ctx.exit(1)


class _Run:
    """One call of the command."""

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        weights: str,
        draw: str | None,
        pairs: str | None,
        format_: str | None,
        output: str | None,
        **settings: Any,
    ) -> None:
        self.inputs = inputs
        self.weights = weights
        self.draw = draw
        self.pairs = pairs
        self.settings = settings
        self.output = None if output == "-" else output
        self.format = format_ or self._usual_format()
        self.failed = 0
        self.say: Callable[[str], None] = _say

    def _usual_format(self) -> str:
        if self.output is not None:
            return "csv" if self.output.lower().endswith(".csv") else "json"
        return "table" if sys.stdout.isatty() else "json"

    def all(self) -> int:
        """Predicts all inputs and returns how many failed."""
        entry = _entry(self.weights)  # a misspelt name costs no wait
        task = type(entry).task or "classification"
        self._check_options(entry, task)
        if task != "optical_flow" and entry.meta["categories"] is None:
            raise _Unusable(f"{entry} has no labels: {entry.meta.get('outputs', UNTRAINED)}. It predicts nothing.")
        sources = expand(self.inputs, self._fail, task)
        first = next(sources, None)
        if first is None:
            raise _Unusable("There is nothing to do.")
        answered = 0
        with _opened(self.output) as stream:
            drawings = self._drawings()
            predictor = self._predictor(entry)
            survey = _survey(self.inputs, task) if self.format == "table" or sys.stderr.isatty() else None
            write = WRITERS[self.format](stream, predictor, survey)
            # How many pairs there are in videos is not known before.
            total = survey.total if survey and task != "optical_flow" else None
            answers = self._answers(predictor, chain([first], sources))
            with closing(answers), self._progress(total) as advance:
                for result, frame in answers:
                    if result.error is None:
                        answered += 1
                        drawings(result, frame)
                    else:
                        self._fail(str(result.error))
                    write(result, frame)
                    stream.flush()
                    advance()
        if self.failed:
            _say(f"{answered} answered, {self.failed} failed.")
        return self.failed

    def _check_options(self, entry: WeightsEnum, task: str) -> None:
        for name, tasks in _ONLY_FOR.items():
            value = self.pairs if name == "pairs" else self.settings[name]
            if value is not None and task not in tasks:
                option = f"--{name.replace('_', '-')}"
                wanted = " and ".join(each.replace("_", " ") for each in tasks)
                raise click.BadParameter(f"for {wanted}; {entry} is for {task.replace('_', ' ')}.", param_hint=option)

    def _answers(self, predictor: Predictor, sources: Iterator[str]) -> Generator[tuple[Any, int | None]]:
        """The results, and for the pairs of frames in a video the number of the first frame."""
        if predictor.task != "optical_flow":
            with closing(predictor.stream(sources)) as results:
                for result in results:
                    yield result, None
            return
        for item in paired(sources, self._fail, self.pairs == "consecutive"):
            with closing(predictor.stream([item])) as results:
                for frame, result in enumerate(results):
                    yield result, frame if isinstance(item, str) and result.error is None else None

    def _drawings(self) -> Write:
        """What draws a result."""
        if self.draw is None:
            return lambda result, frame: None
        folder = Path(self.draw)
        try:
            drawings = Drawings(folder)
        except OSError as error:
            _unwritable(folder, error, "--draw")

        def draw(result: Any, frame: int | None) -> None:
            try:
                drawings.add(result, frame)
            except MultiweightError as error:
                self._fail(str(error))
            except OSError as error:
                _unwritable(folder, error, "--draw")

        return draw

    def _fail(self, text: str) -> None:
        self.failed += 1
        self.say(f"Error: {text}")

    def _predictor(self, entry: WeightsEnum) -> Predictor:
        from multiweight.predict import Predictor, find_device

        try:
            find_device(self.settings["device"])
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--device") from None
        try:
            return Predictor(entry, **self.settings)
        except (OfflineError, DownloadError) as error:
            hint = f"\n\n{_EMBEDDED}" if (type(entry).task or "classification") == "classification" else ""
            raise _Unusable(f"{error}{hint}") from error
        except MultiweightError as error:
            raise _Unusable(str(error)) from error

    @contextmanager
    def _progress(self, total: int | None) -> Iterator[Callable[[], None]]:
        """A bar on a terminal for long work, where it does not get between the results."""
        results_here = self.output is None and sys.stdout.isatty()
        if results_here or not sys.stderr.isatty() or (total is not None and total < _LONG):
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        console = Console(stderr=True)
        with Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
        ) as bar:
            task = bar.add_task("", total=total)
            self.say = lambda text: console.print(_printable(text), markup=False, highlight=False, soft_wrap=True)
            try:
                yield lambda: bar.advance(task)
            finally:
                self.say = _say


def _entry(reference: str) -> WeightsEnum:
    try:
        return resolve(reference)
    except MultiweightError as error:
        raise _Unusable(str(error)) from error


def _say(text: str) -> None:
    click.echo(_printable(text), err=True)


def _printable(text: str) -> str:
    from multiweight.data import printable

    return printable(text)


def _survey(inputs: Sequence[str], task: str) -> Survey | None:
    """How many sources there are and how many characters the longest has; `None` for a list on standard input."""
    if "-" in inputs:
        return None
    total = widest = 0
    for source in expand(inputs, lambda text: None, task):
        total, widest = total + 1, max(widest, len(source))
    return Survey(total, widest)


@contextmanager
def _opened(output: str | None) -> Iterator[TextIO]:
    """Standard output or a file, as UTF-8; bytes of file names that are not text come out as escapes."""
    if output is None:
        with _text(sys.stdout.buffer, close=False) as stream:
            yield stream
        return
    path = Path(output)
    # A device or a pipe is written to directly; a file gets its name when it is complete.
    target = path if path.exists() and not path.is_file() else path.with_name(f"{path.name}.partial")
    try:
        binary = open(target, "wb")  # noqa: SIM115 (the text stream closes it)
    except OSError as error:
        _unwritable(path, error)
    try:
        with _text(binary, close=True) as stream:
            yield stream
        if target != path:
            target.replace(path)
    except BaseException as error:
        if target != path and target.stat().st_size:
            _say(f"The results so far are in {target}.")
        elif target != path:
            target.unlink()
        if isinstance(error, OSError) and not isinstance(error, MultiweightError | BrokenPipeError):
            _unwritable(path, error)
        raise


def _unwritable(path: Path, error: OSError, option: str = "--output") -> NoReturn:
    raise click.BadParameter(f"{path} cannot be written: {error.strerror}.", param_hint=option) from error


@contextmanager
def _text(binary: IO[bytes], *, close: bool) -> Iterator[TextIO]:
    stream = io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
    try:
        yield stream
    finally:
        stream.close() if close else stream.detach()
