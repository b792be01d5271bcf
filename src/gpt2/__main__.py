"""`python -m gpt2` is the `gpt2` command."""

from gpt2.main import main

if __name__ == "__main__":
    raise SystemExit(main())
