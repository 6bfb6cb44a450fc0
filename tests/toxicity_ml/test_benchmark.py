"""The benchmark: what it times, in which order, and what it says of it. No test asserts on a time."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from toxicity_ml.benchmarking.benchmark import latencies, texts_of_length, throughputs
from toxicity_ml.benchmarking.stopwatch import Cell, in_rounds
from toxicity_ml.classifier import PRETRAINED
from toxicity_ml.cli import main
from toxicity_ml.inference.windows import WindowEncoder


def test_the_report_has_a_row_for_each_backend_length_threads_and_batch(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "speed.png"
    threads_before = torch.get_num_threads()
    what = ["--backends", "onnx-int8", "torch-fp32", "--lengths", "8", "20"]
    how = ["--threads", "1", "2", "--batch", "1", "4", "--plot", str(picture)]
    code = main(["benchmark", "--quick", "--json", "--model", str(tiny_version), *what, *how])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert torch.get_num_threads() == threads_before
    assert (report["model"], report["baseline"], report["rounds"]) == ("tiny@1", "torch-fp32", 2)
    places = [(threads, tokens) for threads in (1, 2) for tokens in (8, 20)]
    assert [(row["threads"], row["tokens"], row["backend"]) for row in report["latency"]] == [
        (*place, backend) for place in places for backend in ("onnx-int8", "torch-fp32")
    ]
    kinds = [("onnx-int8", 1), ("torch-fp32", 1), ("torch-fp32", 4)]
    assert [(r["threads"], r["tokens"], r["backend"], r["batch"]) for r in report["throughput"]] == [
        (*place, *kind) for place in places for kind in kinds
    ]
    for row in report["latency"]:
        assert 0 < row["p50"] <= row["p95"] <= row["p99"]
        assert row["calls"] == 20
        assert row["backend"] != "torch-fp32" or row["speedup"] == {"median": 1, "low": 1, "high": 1}
    for row in report["throughput"]:
        assert 0 < row["low"] <= row["texts_per_second"] <= row["high"]
        assert row["speedup"]["low"] <= row["speedup"]["median"] <= row["speedup"]["high"]
    assert set(report["differences"]) == {"onnx-int8", "torch-fp32"}
    assert 0 < report["differences"]["onnx-int8"] < 0.1
    assert report["differences"]["torch-fp32"] == 0
    assert report["machine"]["onnxruntime"]
    assert ("no CUDA device here" in report["notes"]) != torch.cuda.is_available()
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert len(image.getcolors(maxcolors=2**24) or []) > 50


def test_the_tables_name_the_backends_and_say_what_is_not_here(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--lengths", "8", "--batch", "2", "--rounds", "1", "--backends", "onnx-fp32", "torch-bf16"]
    assert main(["benchmark", "--quick", "--model", str(tiny_version), *small]) == 0
    out = capsys.readouterr().out
    for expected in ("tiny@1", "onnx-fp32", "torch-bf16", "p99", "1 rounds"):
        assert expected in out
    assert ("no CUDA device here" in out) != torch.cuda.is_available()


def test_a_length_that_the_model_does_not_have_is_refused(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "--quick", "--model", str(tiny_version), "--lengths", "193"]) == 2
    assert "193 tokens" in capsys.readouterr().err


def test_cuda_asked_for_is_timed_or_refused_where_there_is_none(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["benchmark", "--quick", "--model", str(tiny_version), "--backends", "cuda-fp16"])
    captured = capsys.readouterr()
    if torch.cuda.is_available():
        assert (code, "cuda-fp16" in captured.out) == (0, True)
    else:
        assert code == 2
        assert "no CUDA device here" in captured.err


def test_a_plot_into_a_folder_that_is_not_there_is_refused_before_anything_is_timed(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "nowhere" / "speed.png"
    assert main(["benchmark", "--model", str(tiny_version), "--plot", str(target)]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("tokens", [3, 8, 17, 190, 192])
def test_texts_have_the_length_asked_for(tokens: int, tiny_version: Path) -> None:
    for directory in (tiny_version, PRETRAINED):
        encoder = WindowEncoder(directory)
        texts = texts_of_length(encoder, tokens)
        assert [[len(ids) for ids in encoder.windows(text)] for text in texts] == [[tokens]] * len(texts)
        assert texts == texts_of_length(encoder, tokens)
        assert len(set(texts)) > 1


def test_backends_take_turns_and_another_one_begins_in_each_round() -> None:
    cells = [Cell(name, tokens, 1) for tokens in (8, 64) for name in ("a", "b", "c")]
    seen: list[tuple[str, int, bool]] = []
    done: list[None] = []

    def measure(cell: Cell, is_warm_up: bool) -> np.ndarray:
        seen.append((cell.backend, cell.tokens, is_warm_up))
        return np.array([float(len(seen))])

    found = in_rounds(cells, measure, 2, lambda: done.append(None))
    order = ["abc", "abc", "abc", "abc", "bca", "bca"]
    assert "".join(name for name, _, _ in seen) == "".join(order)
    assert [tokens for _, tokens, _ in seen] == [8, 8, 8, 64, 64, 64] * 3
    assert [is_warm_up for _, _, is_warm_up in seen] == [True] * 6 + [False] * 12
    assert len(done) == 18
    assert [float(values[0]) for values in found[Cell("a", 8, 1)]] == [7, 15]


def test_latencies_are_percentiles_of_all_calls_and_ratios_of_medians_within_a_round() -> None:
    baseline, other = Cell("torch-fp32", 8, 1), Cell("onnx-int8", 8, 1)
    rounds = {
        baseline: [np.array([0.010, 0.010, 0.010]), np.array([0.030, 0.030, 0.090])],
        other: [np.array([0.001, 0.005, 0.005]), np.array([0.010, 0.010, 0.010])],
    }
    first, second = latencies(rounds)
    assert (first.calls, first.p50) == (6, pytest.approx(20))
    assert second.p50 == pytest.approx(7.5)
    assert second.p95 == second.p99 == pytest.approx(10)
    assert second.speedup is not None
    assert (second.speedup.low, second.speedup.median, second.speedup.high) == pytest.approx((2, 2.5, 3))


def test_throughputs_are_compared_with_the_baselines_best_batch_at_that_length_and_threads() -> None:
    def seconds(*values: float) -> list[np.ndarray]:
        return [np.array([value]) for value in values]

    rounds = {
        Cell("torch-fp32", 8, 1, 1): seconds(0.02, 0.02),
        Cell("torch-fp32", 8, 1, 8): seconds(0.01, 0.02),
        Cell("onnx-int8", 8, 1, 1): seconds(0.005, 0.005),
        Cell("onnx-int8", 64, 1, 1): seconds(0.05, 0.05),
    }
    one, eight, onnx, alone = throughputs(rounds)
    assert eight.texts_per_second == pytest.approx(75)
    assert (eight.low, eight.high) == pytest.approx((50, 100))
    assert one.speedup is not None
    assert (one.speedup.low, one.speedup.high) == pytest.approx((0.5, 1))
    assert onnx.speedup is not None
    assert (onnx.speedup.low, onnx.speedup.high) == pytest.approx((2, 4))
    assert alone.speedup is None
