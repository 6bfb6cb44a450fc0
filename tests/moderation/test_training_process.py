"""What the process of a training may say of its end."""

from pathlib import Path

import pytest

from moderation.retraining.training_process import RetrainingFailed, run_classifier
from moderation.versions import artifacts


def test_the_message_of_a_failed_training_quotes_no_text(tmp_path: Path) -> None:
    """The library's own error names the cell that it can't read, and a message goes to a journal."""
    data = tmp_path / "data.csv"
    data.write_text(
        "text,toxic,severe_toxic,obscene,threat,insult,identity_hate\nhello,secret remark,0,0,0,0,0\n"
    )
    model = artifacts.packaged_directory()
    with pytest.raises(RetrainingFailed) as failed:
        run_classifier("evaluate", "--model", model, "--data", data, output=tmp_path / "out.json")
    assert "secret" in (tmp_path / "out.err").read_text()
    assert "secret" not in str(failed.value)
    assert "ended with status 2" in str(failed.value)
    assert failed.value.code == "evaluate-failed"


def test_the_type_of_an_error_is_told_and_its_message_is_not(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ValueError('a secret remark\\nRemark: secret')\n")
    with pytest.raises(RetrainingFailed, match="status 1, ValueError") as failed:
        run_classifier("evaluate", "--model", tmp_path, "--data", tmp_path, output=tmp_path / "out.json")
    assert "secret" in (tmp_path / "out.err").read_text()
    assert "secret" not in str(failed.value) and "Remark" not in str(failed.value)


def test_the_progress_of_a_training_is_passed_on_and_can_end_it(tmp_path: Path) -> None:
    """A command that knows --progress: here a stand-in for the library, found before it."""
    package = tmp_path / "toxicity_ml"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import json, pathlib, sys, time\n"
        "said = pathlib.Path(sys.argv[sys.argv.index('--progress') + 1])\n"
        "for step in range(3):\n"
        "    with said.open('a') as file:\n"
        "        file.write(json.dumps({'stage': 'training', 'step': step, 'steps': 2}) + '\\n')\n"
        "    time.sleep(0.8)\n"
    )
    heard: list[dict[str, object]] = []
    run_classifier("train", output=tmp_path / "out.json", on_progress=heard.append)
    assert heard[0]["step"] == 0 and heard[-1] == {"stage": "training", "step": 2, "steps": 2}

    def refuse(said: dict[str, object]) -> None:
        raise RetrainingFailed("taken-over", "Another training began.")

    with pytest.raises(RetrainingFailed, match="Another training began"):
        run_classifier("train", output=tmp_path / "out.json", on_progress=refuse)
