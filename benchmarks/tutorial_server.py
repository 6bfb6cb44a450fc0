"""The server of the usual tutorial: FastAPI, torch, transformers, one text a time. A baseline, not for use.

    python benchmarks/tutorial_server.py pipeline|bert_base PORT MODEL

pipeline: the weights of MODEL in float32 through transformers' own pipeline. bert_base: a network of
bert-base's size, padded to 128 tokens.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import throughput


def main(kind: str, port: int, model: Path) -> None:
    """Serve until the process is ended."""
    import torch
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    torch.set_num_threads(os.cpu_count() or 1)
    score = throughput.SERVED[kind](model)
    app = FastAPI()

    class Request(BaseModel):
        text: str

    def classify(request: Request) -> Any:
        return {"result": _plain(score([request.text])[0])}

    classify.__annotations__["request"] = Request
    app.post("/classify")(classify)
    uvicorn.run(app, host="127.0.0.1", port=port, workers=1, log_level="warning", access_log=False)


def _plain(result: Any) -> Any:
    return result if isinstance(result, dict | list) else [float(value) for value in result.reshape(-1)]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
