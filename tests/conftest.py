"""The real inputs that many tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of real inputs; a test that needs it skips where it is absent."""
    root = Path(__file__).resolve().parent.parent
    data = Path(os.environ.get("GPT2_TEST_DATA") or root / "../shared/data").resolve()
    if not data.is_dir():
        pytest.skip(f"no real inputs in {data}; set GPT2_TEST_DATA")
    return data
