"""What the exit codes of the commands say: 0 done, 1 an error, CANNOT nothing was changed."""

CANNOT = 2
"""What was asked for can't be done: nothing was changed, and the message says why. argparse's code, too."""
