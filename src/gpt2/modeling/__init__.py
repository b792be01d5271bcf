"""The architecture: one room for each part; edit a file to try an idea."""
