"""GPT-2: modeling, data, training, evaluation and generation. Importing this package does nothing heavy."""

__version__ = "0.1.0"
