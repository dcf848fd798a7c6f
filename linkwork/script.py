"""The `linkwork` script: the command line, started without looking through what is imported while it grows."""

import gc


def main() -> None:
    gc.disable()
    from linkwork.cli import main as command_line

    gc.freeze()  # what is imported stays
    gc.enable()
    command_line()
