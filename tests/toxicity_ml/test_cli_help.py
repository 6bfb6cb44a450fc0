"""``--help`` of the program and of each command."""

import pytest

from toxicity_ml.cli import COMMANDS, main


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_printed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code == 0
    assert f"usage: python -m toxicity_ml {command}".rstrip() in capsys.readouterr().out
