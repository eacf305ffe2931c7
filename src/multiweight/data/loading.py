"""From a data set to batches, decoded and augmented in worker processes.

Which picture comes when, and with which random numbers, is a function of the seed, the epoch and the picture's position
in it: neither the number of workers nor that of processes nor where an epoch is resumed changes a pixel.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from multiweight.data.datasets import Dataset
from multiweight.data.sampling import arranged, derived_seed, epoch_order, share, steps_of
from multiweight.errors import DatasetError, InputError, WorkerError

Transform = Callable[[Image.Image], Tensor | tuple[Tensor, Tensor]]
"""What makes of a picture what goes into a batch: pixels, or pixels and the rectangle that is erased later."""

_ATTEMPTS = 20


class Batch(NamedTuple):
    """Pictures with their classes.

    Attributes:
        pictures: `(N, 3, S, S)`: uint8 in training, to be normalised on the device; in evaluation the preset's floats.
        targets: `(N,)`, int64.
        erased: `(N, 4)`, int64: top, left, height and width of what is to be erased, zeros for nothing; or `None`.
        indices: `(N,)`, int64: which pictures of the data set these are.
        failures: The pictures that could not be read, each with the reason.
    """

    pictures: Tensor
    targets: Tensor
    erased: Tensor | None
    indices: Tensor
    failures: tuple[tuple[str, str], ...]


class Loader:
    """The batches of a training set.

    A step's pictures are cut into `accumulate` parts, and each part into a piece for every process, in this order,
    so that processes and parts of any number see the same steps. A picture that cannot be read is replaced by another
    one, chosen by chance, and named in the batch's `failures`.

    Args:
        dataset: The pictures.
        transform: What is done to each.
        batch_size: Pictures of a step, of all processes together.
        accumulate: In how many parts a step goes through the network.
        rank: Which process this is.
        world: How many processes there are.
        seed: Where the random numbers begin.
        repetitions: How often a picture comes in an epoch, as in `epoch_order`.
        workers: How many processes read pictures for this one; 0 for itself.
        shuffle: Whether the order is random.

    Raises:
        ValueError: If a step has fewer pictures than there are pieces.
    """

    def __init__(
        self,
        dataset: Dataset,
        transform: Transform,
        *,
        batch_size: int,
        accumulate: int = 1,
        rank: int = 0,
        world: int = 1,
        seed: int = 0,
        repetitions: int = 1,
        workers: int = 0,
        shuffle: bool = True,
    ) -> None:
        if batch_size < accumulate * world:
            raise ValueError(
                f"A step of {batch_size} pictures cannot be cut into {accumulate} x {world} pieces (accumulate, world)."
            )
        self.dataset, self.batch_size, self.seed, self.repetitions = dataset, batch_size, seed, repetitions
        self.accumulate, self.rank, self.world, self.shuffle = accumulate, rank, world, shuffle
        self._readers = _Readers(dataset, transform, workers)

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return steps_of(len(self.dataset), self.batch_size)

    def order(self, epoch: int) -> Tensor:
        """The pictures' indices at each position of an epoch, `(steps * batch_size,)`."""
        length, repetitions, batch_size = len(self.dataset), self.repetitions, self.batch_size
        if not self.shuffle:
            return arranged(torch.arange(length), repetitions=repetitions, batch_size=batch_size)
        return epoch_order(length, seed=self.seed, epoch=epoch, repetitions=repetitions, batch_size=batch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Generator[Batch]:
        """This process's part of an epoch.

        Args:
            epoch: Which epoch.
            first_step: The step to begin with.

        Yields:
            `accumulate` batches a step. In workers the next ones are made meanwhile.

        Raises:
            WorkerError: If a worker dies.
            DatasetError: If no picture can be read.
        """
        order = self.order(epoch)
        pieces = (
            share(part.start, part.stop, self.rank, self.world)
            for step in range(first_step, self.steps)
            for number in range(self.accumulate)
            for part in [share(step * self.batch_size, (step + 1) * self.batch_size, number, self.accumulate)]
        )
        return self._readers.batches(
            _Task(order[piece.start : piece.stop].tolist(), (self.seed, epoch), piece.start) for piece in pieces
        )

    def close(self) -> None:
        """Ends the workers."""
        self._readers.close()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def evaluation_batches(
    dataset: Dataset,
    preset: Callable[[Image.Image], Tensor],
    *,
    batch_size: int,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
) -> Generator[Batch]:
    """This process's part of a data set, in order; all processes together have each picture once.

    Args:
        dataset: The pictures.
        preset: What is done to each, as `weights.transforms()`.
        batch_size: Pictures in a batch of this process.
        rank: Which process this is.
        world: How many processes there are.
        workers: How many processes read pictures for this one; 0 for itself.

    Yields:
        Batches of up to `batch_size` pictures. One that cannot be read is left out and named in `failures`; a batch may
        have none left.

    Raises:
        WorkerError: If a worker dies.
    """
    mine = share(0, len(dataset), rank, world)
    starts = range(mine.start, mine.stop, batch_size)
    readers = _Readers(dataset, preset, min(workers, len(starts)))
    try:
        yield from readers.batches(
            _Task(list(range(start, min(start + batch_size, mine.stop))), None, start) for start in starts
        )
    finally:
        readers.close()


class _Task(NamedTuple):
    """A batch to be made.

    Attributes:
        indices: The pictures.
        seeds: What the random numbers come from, besides the position; `None` where there are none, and no picture
            stands for another.
        position: Of the first picture, in the epoch.
    """

    indices: list[int]
    seeds: tuple[int, int] | None
    position: int


class _Read(NamedTuple):
    """A batch as it comes from a worker: one tensor, in shared memory, and plain numbers."""

    pictures: Tensor
    targets: list[int]
    erased: list[list[int]] | None
    indices: list[int]
    failures: tuple[tuple[str, str], ...]

    def batch(self) -> Batch:
        erased = None if self.erased is None else torch.tensor(self.erased, dtype=torch.int64).view(-1, 4)
        targets, indices = (torch.tensor(numbers, dtype=torch.int64) for numbers in (self.targets, self.indices))
        return Batch(self.pictures, targets, erased, indices, self.failures)


class _Reader:
    """Makes batches, in whichever process it is."""

    def __init__(self, dataset: Dataset, transform: Transform) -> None:
        self._dataset, self._transform = dataset, transform

    def __call__(self, task: _Task, *, shared: bool) -> _Read:
        pictures = torch.empty(0)
        erased: list[list[int]] = []
        indices: list[int] = []
        failures: list[tuple[str, str]] = []
        for position, wanted in enumerate(task.indices, task.position):
            for index in self._candidates(wanted, task.seeds, position):
                if task.seeds is not None:
                    torch.default_generator.manual_seed(derived_seed(*task.seeds, position))
                try:
                    pixels, rectangle = self._transformed(index)
                except InputError as error:
                    failures.append((self._dataset.source(index), str(error)))
                    continue
                if not indices:
                    pictures = torch.empty(len(task.indices), *pixels.shape, dtype=pixels.dtype)
                    if shared:
                        pictures.share_memory_()
                pictures[len(indices)] = pixels
                indices.append(index)
                if rectangle is not None:
                    erased.append(rectangle.tolist())
                break
            else:
                if task.seeds is not None:
                    raise DatasetError(f"{_ATTEMPTS} pictures in a row cannot be read; the last: {failures[-1][1]}")
        targets = [self._dataset.target(index) for index in indices]
        return _Read(pictures[: len(indices)], targets, erased or None, indices, tuple(failures))

    def _transformed(self, index: int) -> tuple[Tensor, Tensor | None]:
        given = self._transform(self._dataset.picture(index))
        return given if isinstance(given, tuple) else (given, None)

    def _candidates(self, index: int, seeds: tuple[int, int] | None, position: int) -> Iterator[int]:
        """The picture itself, and in training those that stand for it where it cannot be read."""
        yield index
        if seeds is not None:
            for attempt in range(1, _ATTEMPTS):
                yield derived_seed(*seeds, position, attempt) % len(self._dataset)


class _Readers:
    """A `_Reader` in this process or in others.

    The pool is that of the standard library, since the death of one of its processes is known when a batch is waited
    for; torch's own raises from a signal handler, in the midst of whatever step is being made.
    """

    def __init__(self, dataset: Dataset, transform: Transform, workers: int) -> None:
        self._dataset, self._reader, self._workers = dataset, _Reader(dataset, transform), workers
        self._pool: ProcessPoolExecutor | None = None
        self._processes: list[BaseProcess] = []

    def batches(self, tasks: Iterable[_Task]) -> Generator[Batch]:
        """The batches, in order."""
        if not self._workers:
            for task in tasks:
                with _random_state_kept():
                    read = self._reader(task, shared=False)
                yield read.batch()
            return
        tasks = iter(tasks)
        pending: deque[tuple[_Task, Future[_Read]]] = deque()
        try:
            self._submit(tasks, pending, 2 * self._workers)
            while pending:
                read = pending[0][1].result()
                pending.popleft()
                self._submit(tasks, pending, 1)
                yield read.batch()
        except BrokenProcessPool as error:
            raise self._died(pending) from error
        finally:
            for _, future in pending:
                future.cancel()

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _submit(self, tasks: Iterator[_Task], pending: deque[tuple[_Task, Future[_Read]]], count: int) -> None:
        for task in islice(tasks, count):
            if self._pool is None:
                context = multiprocessing.get_context()
                self._pool = ProcessPoolExecutor(self._workers, context, initializer=_begin, initargs=(self._reader,))
            others = set(multiprocessing.active_children())
            pending.append((task, self._pool.submit(_work, task)))
            self._processes += [child for child in multiprocessing.active_children() if child not in others]

    def _died(self, pending: deque[tuple[_Task, Future[_Read]]]) -> WorkerError:
        self.close()
        # Those that are left are terminated by the pool.
        dead = [child for child in self._processes if child.exitcode not in (None, 0, -signal.SIGTERM)]
        self._processes.clear()
        how = _how(dead[0].exitcode or 0) if dead else "it was terminated"
        where = f" It read {self._dataset.source(pending[0][0].indices[0])} or a picture after it." if pending else ""
        return WorkerError(f"One of the {self._workers} workers that read pictures died: {how}.{where}")


def _how(exitcode: int) -> str:
    if exitcode > 0:
        return f"it ended with exit code {exitcode}"
    hint = {
        signal.SIGKILL: "; where memory runs out the system does that, and fewer workers need less",
        signal.SIGBUS: "; where shared memory (/dev/shm) is full that happens, and fewer workers need less",
        signal.SIGSEGV: "; a decoder may have met a picture that it cannot bear",
    }
    return f"{signal.Signals(-exitcode).name}{hint.get(signal.Signals(-exitcode), '')}"


_reader: _Reader | None = None
"""A worker's own."""


def _begin(reader: _Reader) -> None:
    """What a worker does first."""
    global _reader
    _reader = reader
    torch.set_num_threads(1)
    # Ctrl-C is for the process that has the workers; it ends them. What it does on SIGTERM is not theirs to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: _Task) -> _Read:
    if _reader is None:
        raise RuntimeError("This worker has not begun.")
    return _reader(task, shared=True)


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """Within it, torch's random numbers are another's; torch.random.fork_rng would start CUDA."""
    state = torch.default_generator.get_state()
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
