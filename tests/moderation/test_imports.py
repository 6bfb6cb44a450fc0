"""What a process loads that only serves pages."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, django
django.setup()
import django.urls, moderation.tasks, moderation.worker.sweeper, moderation.review.decisions
from django.contrib import admin
django.urls.get_resolver().url_patterns
from django_comments.models import Comment
heavy = {"torch", "transformers", "datasets", "onnxruntime", "tokenizers", "sklearn"} & set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or 0)
"""


def test_a_web_process_loads_no_model_library() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
