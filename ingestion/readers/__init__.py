"""Readers: a file's bytes to records of text, each with its physical lines. Nothing is cast or guessed here."""
