"""`multiweight predict`: say what is in pictures."""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn, TextIO

import click

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.errors import DownloadError, MultiweightError, OfflineError

if TYPE_CHECKING:
    from multiweight.predict import Prediction, Predictor

_EMBEDDED = """\
Without network, use the weights that ship with the package (they read handwritten digits):
  multiweight predict --weights ShuffleNet_V2_X0_5_Weights.DIGITS_V1 INPUT..."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141
"""What a shell reports of a program that SIGINT or SIGPIPE has ended."""

_LONG = 32
"""Inputs from which on the work is long enough for a progress bar."""


class _Unusable(click.ClickException):
    """Nothing could be predicted at all: as any other wrong usage."""

    exit_code = 2


@click.command("predict")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("--weights", metavar="REF", default="ResNet50_Weights.DEFAULT", show_default=True, help="What to use.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Labels a picture.")
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 …; default: cuda if there is one, else cpu.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=16, show_default=True, help="Pictures at once in the model."
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
    """Say what is in pictures.

    INPUT is a file, a URL, a folder (with its subfolders; files that end as pictures do, hidden ones left out), a
    quoted pattern, or - for a list of such names on standard input, one a line.

    Exit status: 0 if every picture got its answer; 1 if some could not be used, each named on standard error; 2 if
    there was nothing to do, or the weights or options are wrong.

    \b
    Examples:
      multiweight predict photo.jpg
      multiweight predict photos/ "more/**/*.png" https://example.org/cat.jpg --top 1
      find . -name "*.jpg" | multiweight predict - --format csv > answers.csv
      multiweight predict examples/digits --weights ShuffleNet_V2_X0_5_Weights.DIGITS_V1
      multiweight predict photos/ --output answers.json --device cuda --batch-size 64
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
        weights: str,
        top: int,
        device: str | None,
        batch_size: int,
        workers: int | None,
        format_: str | None,
        output: str | None,
    ) -> None:
        self.inputs = inputs
        self.weights = weights
        self.settings = {"top": top, "device": device, "batch_size": batch_size, "workers": workers}
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
        sources = expand(self.inputs, self._fail)
        first = next(sources, None)
        if first is None:
            raise _Unusable("There is nothing to do.")
        answered = 0
        with _opened(self.output) as stream:
            predictor = self._predictor(entry)
            survey = _survey(self.inputs) if self.format == "table" or sys.stderr.isatty() else None
            write = _WRITERS[self.format](stream, predictor, survey)
            predictions = predictor.stream(chain([first], sources))
            with closing(predictions), self._progress(survey) as advance:
                for prediction in predictions:
                    if prediction.error is None:
                        answered += 1
                    else:
                        self._fail(str(prediction.error))
                    write(prediction)
                    stream.flush()
                    advance()
        if self.failed:
            _say(f"{answered} answered, {self.failed} failed.")
        return self.failed

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
            raise _Unusable(f"{error}\n\n{_EMBEDDED}") from error
        except MultiweightError as error:
            raise _Unusable(str(error)) from error

    @contextmanager
    def _progress(self, survey: _Survey | None) -> Iterator[Callable[[], None]]:
        """A bar on a terminal for long work, where it does not get between the results."""
        results_here = self.output is None and sys.stdout.isatty()
        if results_here or not sys.stderr.isatty() or (survey is not None and survey.total < _LONG):
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
            task = bar.add_task("", total=survey.total if survey else None)
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


def expand(inputs: Iterable[str], fail: Callable[[str], None]) -> Iterator[str]:
    """The paths and URLs that the inputs stand for, one after the other, as they are asked for.

    Args:
        inputs: What the user named: files, folders, patterns, URLs, `-`.
        fail: Called with a text for an input that stands for nothing and a folder that cannot be read.
    """
    for given in inputs:
        if given == "-":
            lines = sys.stdin.buffer
            yield from expand((os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r\n"))), fail)
            continue
        found = False
        for source in _sources(given, fail):
            found = True
            yield source
        if not found:
            fail(f"{given}: {'no pictures in this folder.' if os.path.isdir(given) else 'nothing matches.'}")


def _sources(given: str, fail: Callable[[str], None]) -> Iterator[str]:
    from glob import iglob

    from multiweight.data import is_url

    if os.path.isdir(given):
        yield from _pictures_in(given, fail)
    elif is_url(given) or os.path.lexists(given) or not re.search(r"[*?[]", given):
        yield given
    else:
        for match in sorted(iglob(given, recursive=True)):
            if not os.path.isdir(match):
                yield match
            elif "**" not in given:  # which has the files of this folder among its matches
                yield from _pictures_in(match, fail)


def _pictures_in(folder: str, fail: Callable[[str], None]) -> Iterator[str]:
    from multiweight.data import EXTENSIONS

    def unreadable(error: OSError) -> None:
        fail(f"{error.filename}: {error.strerror}.")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(parent, name)
            wanted = not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS
            # A broken link is worth an error; reading a pipe or a device would wait for ever.
            if wanted and (os.path.isfile(path) or not os.path.exists(path)):
                yield path


class _Survey(NamedTuple):
    """What a look through the inputs beforehand says."""

    total: int
    widest: int


def _survey(inputs: Sequence[str]) -> _Survey | None:
    """How many sources there are and how many characters the longest has; `None` for a list on standard input."""
    if "-" in inputs:
        return None
    total = widest = 0
    for source in expand(inputs, lambda text: None):
        total, widest = total + 1, max(widest, len(source))
    return _Survey(total, widest)


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


def _unwritable(path: Path, error: OSError) -> NoReturn:
    raise click.BadParameter(f"{path} cannot be written: {error.strerror}.", param_hint="--output") from error


@contextmanager
def _text(binary: IO[bytes], *, close: bool) -> Iterator[TextIO]:
    stream = io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
    try:
        yield stream
    finally:
        stream.close() if close else stream.detach()


def _json_writer(stream: TextIO, predictor: Predictor, survey: _Survey | None) -> Callable[[Prediction], None]:
    import json

    # What UTF-8 cannot hold the stream writes as \udc.., which is just how JSON spells it.
    return lambda prediction: print(json.dumps(prediction.to_dict(), ensure_ascii=False), file=stream)


def _csv_writer(stream: TextIO, predictor: Predictor, survey: _Survey | None) -> Callable[[Prediction], None]:
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["source", "rank", "label", "probability", "index", "error"])

    def write(prediction: Prediction) -> None:
        if prediction.error is not None:
            writer.writerow([prediction.source, "", "", "", "", prediction.error])
            return
        ranked = zip(prediction.labels, prediction.probabilities, prediction.indices, strict=True)
        for rank, (label, probability, index) in enumerate(ranked, 1):
            writer.writerow([prediction.source, rank, label, f"{probability:.6g}", index, ""])

    return write


def _table_writer(stream: TextIO, predictor: Predictor, survey: _Survey | None) -> Callable[[Prediction], None]:
    """Rows as they come, in columns whose widths are known before: of all labels, and of the names looked through."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    label_width = max(map(cell_len, ("Label", *predictor.labels)))
    room = console.width - label_width - len("  Probability  ")
    source_width = max(len("Picture"), min(room, survey.widest if survey else room))

    def fitted(name: str) -> str:
        if not stream.isatty():
            return name
        cut = name
        while cell_len(cut) > max(source_width, 16):
            cut = f"…{cut[2:]}"
        return cut

    def row(source: str, label: str, probability: str, style: str = "") -> None:
        line = source + " " * (source_width - cell_len(source) + 2) + label
        line += " " * (label_width - cell_len(label) + 2) + f"{probability:>11}"
        console.print(Text(line.rstrip(), style=style), soft_wrap=True)

    row("Picture", "Label", "Probability", "bold")

    def write(prediction: Prediction) -> None:
        source = fitted(_printable(prediction.source or ""))
        if prediction.error is not None:
            row(source, "(failed)", "", "red")
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
            row(source, label, f"{probability:.1%}")
            source = ""

    return write


_WRITERS = {"json": _json_writer, "csv": _csv_writer, "table": _table_writer}
