"""The page of a weights file in a repository of the Hugging Face hub, made of its header. Never imports torch.

https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from multiweight.catalogue import Header, metric

_PIPELINES = {
    "classification": "image-classification",
    "detection": "object-detection",
    "segmentation": "image-segmentation",
    "video": "video-classification",
}
"""What the hub calls tasks; it has no word for optical flow."""

_TYPES = {"acc@1": "accuracy"}
"""What the hub calls metrics, where it has a word for one."""

# As https://huggingface.co/docs/hub/repositories-licenses has them; of others, the name is given.
_LICENSES = frozenset(
    f"{name}-{version}" if version else name
    for name, versions in {
        "afl": "3.0",
        "agpl": "3.0",
        "apache": "2.0",
        "artistic": "2.0",
        "bsd": " 2-clause 3-clause",
        "bsl": "1.0",
        "cc": " by-3.0 by-4.0 by-sa-3.0 by-sa-4.0 by-nc-3.0 by-nc-4.0 by-nc-sa-3.0 by-nc-sa-4.0 by-nd-4.0 by-nc-nd-4.0",
        "cc0": "1.0",
        "epl": "2.0",
        "eupl": "1.2",
        "gpl": "2.0 3.0",
        "lgpl": "2.1 3.0",
        "mpl": "2.0",
        **dict.fromkeys(("isc", "mit", "ncsa", "openrail", "unlicense", "wtfpl", "zlib"), ""),
    }.items()
    for version in versions.split(" ")
)

_MOST_LABELS = 20
_SIGNED = re.compile(r"<!-- Made by multiweight\. SHA-256 of all above: ([0-9a-f]{64}) -->\r?\n?\Z")


def model_card(header: Header, *, reference: str) -> str:
    """The text of the page, with the metadata that the hub reads at its beginning.

    The last line has the hash of the rest, so that `is_untouched` can tell whether a person has changed something.

    Args:
        header: What the file says of itself.
        reference: How the file is named: `hf://org/repo`.
    """
    text = f"---\n{_metadata(header, reference)}---\n\n{_body(header, reference)}"
    return f"{text}<!-- Made by multiweight. SHA-256 of all above: {_hash(text)} -->\n"


def is_untouched(card: str) -> bool:
    """Whether a page is as `model_card` made it."""
    match = _SIGNED.search(card)
    return match is not None and match[1] == _hash(card[: match.start()])


def _hash(text: str) -> str:
    # Where lines end otherwise, nobody has changed anything.
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


def _metadata(header: Header, reference: str) -> str:
    name = reference.removeprefix("hf://").partition("@")[0]
    pipeline = _PIPELINES.get(header.preset.task)
    said: dict[str, Any] = {**_license(header.license), "library_name": "multiweight"}
    if pipeline:
        said["pipeline_tag"] = pipeline
    said["tags"] = ["multiweight", "pytorch", header.variant, *(["quantized"] if header.quantization else [])]
    if header.metrics:
        task = pipeline or header.preset.task.replace("_", "-")
        said["model-index"] = [
            {"name": name, "results": [_result(task, *figures) for figures in header.metrics.items()]}
        ]
    # JSON is YAML in which nothing has to be guessed.
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in said.items())


def _license(given: str | None) -> dict[str, str]:
    if given is None:
        return {}
    known = given.strip().lower()
    return {"license": known} if known in _LICENSES else {"license": "other", "license_name": given}


def _result(task: str, dataset: str, figures: Mapping[str, float]) -> dict[str, Any]:
    kind = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-") or "unnamed"
    return {
        "task": {"type": task},
        "dataset": {"name": dataset, "type": kind},
        "metrics": [
            {"type": _TYPES.get(key, key), "name": metric(key).title, "value": value} for key, value in figures.items()
        ],
    }


def _body(header: Header, reference: str) -> str:
    task = header.preset.task.replace("_", " ")
    settings = ", ".join(f"{key}={_literal(value)}" for key, value in header.preset.settings().items())
    parts = [
        f"# {_text(reference.removeprefix('hf://'))}\n",
        f"Weights of `{header.variant}` for {task}, in one safetensors file that knows what it is: network, "
        "preprocessing and labels are in its header.\n",
        f"## Use\n\n{_use(header, reference)}",
        f"## Outputs\n\n{_labels(header)}\n",
        f"## Preprocessing\n\n`{type(header.preset).__name__}({settings})`\n",
    ]
    if header.metrics:
        rows = [
            f"| {_text(dataset)} | {metric(key).title} | {value:g} {metric(key).unit} |\n"
            for dataset, figures in header.metrics.items()
            for key, value in figures.items()
        ]
        parts.append(f"## Figures\n\n| measured on | metric | value |\n| --- | --- | ---: |\n{''.join(rows)}")
    parts += _origin(header)
    facts = {
        "arguments of the builder": json.dumps(header.arguments, ensure_ascii=False) if header.arguments else None,
        "parameters": f"{header.num_params:,}" if header.num_params is not None else None,
        "GFLOPs": f"{header.gflops:g} multiply–adds" if header.gflops is not None else None,
        "smallest picture": " × ".join(map(str, header.min_size)) + " pixels" if header.min_size else None,
        "licence": header.license or "not stated",
        "SHA-256 of the tensors": header.tensors_sha256,
    }
    rows = [f"- {key}: {_text(value)}\n" for key, value in facts.items() if value]
    return "\n".join([*parts, f"## Facts\n\n{''.join(rows)}"]) + "\n"


def _use(header: Header, reference: str) -> str:
    lines = [f'entry = resolve("{reference}")', "model = get_model(type(entry).variant, weights=entry).eval()"]
    code = ["from multiweight.catalogue import resolve", "from multiweight.models import get_model", "", *lines]
    code += ["preset = entry.transforms()"]
    if header.labels or header.preset.task == "optical_flow":
        given = '("one.jpg", "two.jpg")' if header.preset.task == "optical_flow" else '"photo.jpg"'
        given = '"clip.mp4"' if header.preset.task == "video" else given
        code = ["from multiweight import Predictor", "", f'print(Predictor("{reference}")({given}))']
    return f"```python\n{chr(10).join(code)}\n```\n\n`multiweight show {reference}` prints all that is known of it.\n"


def _labels(header: Header) -> str:
    if not header.labels:
        return "They have no labels."
    shown = ", ".join(map(_text, header.labels[:_MOST_LABELS]))
    return f"{len(header.labels):,}: {shown}{', …' if len(header.labels) > _MOST_LABELS else ''}"


def _origin(header: Header) -> list[str]:
    parts: list[str] = []
    if header.recipe:
        text = header.recipe.get("text")
        fence = "```" if "```" not in str(text) else "~~~~~~"
        block = f"\n\n{fence}toml\n{str(text).strip()}\n{fence}\n" if text else "\n"
        parts.append(f"## Recipe\n\n{_text(str(header.recipe.get('name', 'unnamed')))}{block}")
    for title, about in (("Parent", header.parent), ("Quantization", header.quantization)):
        if about:
            rows = (f"- {_text(key)}: {_text(_literal(value))}\n" for key, value in about.items() if value is not None)
            parts.append(f"## {title}\n\n{''.join(rows)}")
    return parts


def _literal(value: object) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _text(text: str) -> str:
    """A text in which Markdown finds nothing to do."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))
