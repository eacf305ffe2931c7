"""`multiweight push`: put a weights file into a repository of the Hugging Face hub."""

from __future__ import annotations

import click


@click.command("push")
@click.argument("file", metavar="FILE")
@click.argument("reference", metavar="hf://ORG/REPO")
@click.option("--overwrite-card", is_flag=True, help="Replace the page even if a person has edited it.")
@click.option("--private", is_flag=True, help="Make a new repository a private one.")
@click.option("--message", metavar="TEXT", help="The commit's message.")
def command(file: str, reference: str, overwrite_card: bool, private: bool, message: str | None) -> None:
    """Put a weights file that knows what it is into a repository of the Hugging Face hub, with a page about it.

    hf://ORG/REPO can have @BRANCH and a name behind it; the file is called model.safetensors otherwise. Repository and
    branch are made if need be. The page says what the header says. It is not written over one that a person has edited.
    Needs `pip install "multiweight[hub]"` and a token (`hf auth login`, or HF_TOKEN).

    \b
    Examples:
      multiweight push run/best.safetensors hf://mylab/flowers
      multiweight push run/best.safetensors hf://mylab/flowers@v2 --message "Trained for longer"
    """
    from multiweight.store.push import push

    done = push(file, reference, overwrite_card=overwrite_card, private=private or None, message=message)
    click.echo(f"{done.reference}\n  {done.commit}")
    if not done.card:
        click.echo("The page there was edited, and stays; --overwrite-card replaces it.", err=True)
