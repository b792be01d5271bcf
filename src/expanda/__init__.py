"""Expanda: raw text sources in, a shuffled, split and tokenized corpus out."""

from expanda import utils

__version__ = utils.VERSION

__all__ = ["__version__"]
