"""Text from a model: sampling rules and the decoding loop."""
