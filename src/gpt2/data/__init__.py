"""Ids on disk become (B, T) batches; text becomes ids."""
