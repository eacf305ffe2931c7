"""`multiweight verify`: hash cached files again."""

from __future__ import annotations

import click

from multiweight.catalogue import WeightsEnum, resolve
from multiweight.catalogue._file import FileWeights, tensors_sha256
from multiweight.cli._output import one_line
from multiweight.cli._reference import complete
from multiweight.cli.list import entries


@click.command("verify")
@click.argument("references", metavar="[REF]...", nargs=-1, shell_complete=complete)
@click.option("--probe", is_flag=True, help="Also build the networks, and compare their answers with the files'.")
@click.pass_context
def command(ctx: click.Context, references: tuple[str, ...], probe: bool) -> None:
    """Hash cached files again, and say whether they are the published ones.

    Without REF, every entry whose file is in the cache or in the package. Of a weights file that knows what it is, the
    tensors are compared with the hash in its header. Exit status 1 if a file is not the right one, or if its network
    answers otherwise than when the file was written.

    \b
    Examples:
      multiweight verify
      multiweight verify resnet50
      multiweight verify run/best.safetensors
      multiweight verify run/best.safetensors --probe
    """
    from multiweight import store

    chosen = [resolve(reference) for reference in references]
    chosen = chosen or [entry for entry in entries() if store.is_cached(entry.value)]
    wrong = 0
    for entry in chosen:
        checked = store.verify(entry.value, name=str(entry))
        ok, verdict = checked.ok, "right" if checked.ok else f"WRONG, expected {checked.expected}"
        if isinstance(entry, FileWeights) and entry.plain:
            # Of one from elsewhere there is a record of what first arrived.
            verdict = "whole, but nothing says which tensors it should hold" if ok else "WRONG, it has changed"
        elif isinstance(entry, FileWeights):
            expected, found = entry.header.tensors_sha256, tensors_sha256(entry.path)
            ok = expected in (None, found)
            verdict = "right" if ok else f"WRONG, its tensors have the SHA-256 {found}, and should have {expected}"
            if expected is None:
                verdict = "whole, but it does not say which tensors it should hold"
        click.echo(f"{entry}: {verdict}\n  {checked.path}\n  SHA-256 {checked.sha256}")
        if probe and ok:
            ok, answers = _asked(entry)
            click.echo(f"  {answers}")
        wrong += not ok
    if wrong:
        click.echo(
            f"{wrong} of {len(chosen)} files are not the right ones; remove them and download or make them again.",
            err=True,
        )
        ctx.exit(1)


def _asked(entry: WeightsEnum) -> tuple[bool, str]:
    """Whether the entry's network answers as its file says, and how far off it is."""
    from multiweight.errors import HeaderError, ProbeError
    from multiweight.files import load
    from multiweight.probe import check_probe, known_probe

    try:
        known_probe(entry)
    except HeaderError as error:
        return True, one_line(str(error))
    try:
        result = check_probe(load(entry)[0], entry)
    except ProbeError as error:
        return False, f"OTHER ANSWERS: {one_line(str(error))}"
    return result.same, f"probe: {result}"
