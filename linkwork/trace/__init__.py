"""From a figure to the lines behind it: mart rows, core rows, facts of the log, files and physical lines."""
