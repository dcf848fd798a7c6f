"""One suite for each boundary: landed (a file), recorded (a commit), released (a table)."""
