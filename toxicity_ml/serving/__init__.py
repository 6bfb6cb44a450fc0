"""Serves one model version over HTTP without Django: `python -m toxicity_ml serve`. The extra is `serve`."""
