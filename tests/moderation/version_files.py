"""Version directories with a true manifest and small files: the store looks at bytes, never at models."""

import hashlib
import json
from pathlib import Path
from typing import Any

FILES = ("config.json", "model.onnx", "model.safetensors", "tokenizer.json")


def write_version(directory: Path, number: str, **manifest: Any) -> Path:
    """A directory that holds together, as publishing leaves it."""
    directory.mkdir(parents=True)
    for name in FILES:
        (directory / name).write_bytes(f"{name} of {number}".encode())
    content = {
        "name": "small",
        "version": number,
        "labels": ["toxic", "insult"],
        "thresholds": {"toxic": 0.5, "insult": 0.4},
        "metrics": {"rows": 3},
        "files": {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in FILES},
        **manifest,
    }
    (directory / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    return directory
