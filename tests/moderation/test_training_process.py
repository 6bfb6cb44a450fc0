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
