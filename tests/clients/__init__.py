"""Public clients of the Perspective API, as published, against running servers of ours."""
