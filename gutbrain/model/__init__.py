"""The language that physiology is written in; it knows no physiology."""
