"""Pure mappings of names and tensors between our formats and other tools'."""
