"""The commands of python -m minieqt, one file each."""
