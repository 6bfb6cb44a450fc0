"""Nothing is sent anywhere: the runtime that scores keeps no id of this machine and collects no reports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCORE = "from toxicity_ml import Classifier; Classifier.load().predict('hello')"


def test_scoring_leaves_no_device_id_and_no_reports(tmp_path: Path) -> None:
    # Left to itself, ONNX Runtime 1.29 and later write `deviceid` and a database of reports into the cache.
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment = {**kept, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", SCORE], env=environment, check=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
