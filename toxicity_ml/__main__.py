"""``python -m toxicity_ml``."""

import sys

from toxicity_ml.cli import main

sys.exit(main())
