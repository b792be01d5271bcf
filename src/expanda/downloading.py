"""One file from the web to its place: resumed where it broke off, checked before it gets its name."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.arrivals import FULL, Part, Wanted, alone, check_download, check_present, make_room, sync
from expanda.utils import Progress, UserError, say

TIMEOUT_S = 60.0  # of silence, not of the whole download
ATTEMPTS = 7  # in a row that bring less than PROGRESS_BYTES each
PROGRESS_BYTES = 1 << 20
LONGEST_WAIT_S = 120.0
_READ_BYTES = 1 << 18
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class MissingError(UserError):
    """The server says that there is no such file."""


class _RangeError(Exception):
    """The server cannot go on where we are; `total` is how many bytes it has, as it says."""

    def __init__(self, total: int | None) -> None:
        super().__init__()
        self.total = total


class _BrokenOff(Exception):  # noqa: N818 - no error yet: we ask again
    """The connection or the server failed in a way that may pass; `wait_s` is what the server asked for."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Client:
    """Who asks, and how patiently.

    Args:
        agent: the User-Agent.
        sleep: waits for so many seconds.
    """

    agent: str
    sleep: Callable[[float], None] = time.sleep

    def read(self, url: str, *, most: int = 1 << 26) -> bytes:
        """Return a small file of at most `most` bytes.

        Raises:
            MissingError: it is not there.
            UserError: the server refuses, cannot be reached, or sends more.
        """

        def once() -> bytes:
            with self._open(url, {}) as answer:
                content: bytes = answer.read(most + 1)
                _, total = _span(answer)
            if total is not None and len(content) < min(total, most):
                raise _BrokenOff(f"the connection closed after {len(content):,} of {total:,} bytes")
            if len(content) > most:
                raise UserError(f"{url}: more than {most:,} bytes, which is not what we expect there; check --mirror")
            return content

        return self._patiently(url, once, lambda: 0)

    def download(self, wanted: Wanted, folder: Path) -> Path:
        """Bring `wanted` into `folder`, under its name only when every byte is right; return the place.

        What a broken run left in `NAME.part` is gone on with. Wrong bytes are put aside as `NAME.bad`.

        Raises:
            UserError: it cannot be had, or is not what it should be; the text says what to do.
        """
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / wanted.name
        if place.exists():
            check_present(place, wanted)
            say(f"{place} is already there, and its {wanted.algorithm} is right")
            return place
        part = place.with_name(place.name + ".part")
        with alone(part):
            state = Part(part, wanted)
            self._patiently(wanted.url, lambda: self._go_on(wanted, state), lambda: state.size)
            check_download(part, place, wanted)
            sync(part)
            part.replace(place)
            state.forget()
        return place

    def _patiently(self, url: str, once: Callable[[], Any], done: Callable[[], int]) -> Any:
        """Try until `once` succeeds, waiting twice as long each time; `done` tells the bytes we have."""
        failures = 0
        while True:
            before = done()
            try:
                return once()
            except _BrokenOff as error:
                failures = 1 if done() - before >= PROGRESS_BYTES else failures + 1
                if failures >= ATTEMPTS:
                    kept = f"; what came ({done():,} bytes) is kept, the same command goes on from there"
                    raise UserError(
                        f"{url}: {error}, {failures} times in a row; check the network or name another --mirror"
                        + (kept if done() else "")
                    ) from error
                wait_s = min(max(2.0 ** (failures - 1), error.wait_s), LONGEST_WAIT_S)
                print(f"{url}: {error}; trying again in {wait_s:.0f} s", file=sys.stderr, flush=True)
                self.sleep(wait_s)

    def _go_on(self, wanted: Wanted, state: Part) -> None:
        """Ask for what is missing and append it to the part; returns when nothing is missing."""
        if wanted.size is not None and state.size >= wanted.size:
            return
        try:
            self._append(wanted, state)
        except _RangeError as error:
            if error.total != state.size:  # else all is here, which nobody had told us
                state.restart()
                raise _BrokenOff("the file there is not the one we have a part of; from the start again") from error

    def _append(self, wanted: Wanted, state: Part) -> None:
        with self._open(wanted.url, state.headers()) as answer:
            start, total = _span(answer)
            if start not in (0, state.size):
                raise UserError(f"{wanted.url}: the server sent bytes from {start:,} on, not from {state.size:,}")
            total = wanted.size if total is None else total
            if wanted.size is not None and total != wanted.size:
                raise UserError(
                    f"{wanted.url}: the server offers {total:,} bytes, but {wanted.size:,} are announced for this "
                    "file; the mirror may be behind, try again later or name another --mirror"
                )
            if start < state.size:
                print(f"{wanted.url}: the server sends the whole file again", file=sys.stderr, flush=True)
            state.begin(answer.headers, start)
            make_room(state.part, total, start)
            _save(answer, state, total)
        if total is not None and state.size < total:
            raise _BrokenOff(f"the connection closed after {state.size:,} of {total:,} bytes")

    @contextlib.contextmanager
    def _open(self, url: str, headers: dict[str, str]) -> Iterator[Any]:
        """Open `url`; whatever fails on the way becomes a `_BrokenOff`, or a UserError when waiting does not help."""
        request = urllib.request.Request(
            url, headers={"User-Agent": self.agent, "Accept-Encoding": "identity", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                _raise_for_status(url, error)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise UserError(
                    f"{url}: the server does not prove who it is ({error.reason.verify_message}); check the network "
                    "and this machine's clock and certificates"
                ) from error
            raise _BrokenOff(f"cannot reach the server ({error.reason})") from error
        except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
            raise _BrokenOff(f"the connection broke ({str(error) or type(error).__name__})") from error


def _raise_for_status(url: str, error: urllib.error.HTTPError) -> None:
    if error.code in _BUSY:
        asked = error.headers.get("Retry-After") or ""
        raise _BrokenOff(f"the server is busy (status {error.code})", float(asked) if asked.isdecimal() else 0.0)
    if error.code == 416:
        found = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
        raise _RangeError(int(found[1]) if found else None)
    if error.code in (404, 410):
        raise MissingError(f"{url}: the server has no such file (status {error.code})")
    if error.code == 403:
        raise UserError(
            f"{url}: the server refuses us (status 403). Wikimedia refuses programs that do not say whose they are: "
            "add --contact with your mail address or page; or your network is blocked, then name another --mirror"
        )
    raise UserError(f"{url}: the server answers with status {error.code} ({error.reason}); check --mirror")


def _span(answer: Any) -> tuple[int, int | None]:
    """Return at which byte of the file an answer begins, and how many the whole file has, if it says."""
    if answer.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range") or "")
        if not found:
            raise UserError(f"{answer.url}: the server sends a part without saying which; name another --mirror")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length")
    return 0, int(length) if length and length.isdecimal() else None


def _save(answer: Any, state: Part, total: int | None) -> None:
    label = f"fetching {state.part.name.removesuffix('.part')}"
    try:
        with state.part.open("ab") as file, Progress(label, total or 0, unit="bytes") as progress:
            progress.advance(file.tell())
            while block := answer.read1(_READ_BYTES):
                file.write(block)
                progress.advance(len(block))
                if total is not None and file.tell() > total:
                    raise UserError(f"{answer.url}: the server sends more than the {total:,} bytes it announced")
    except OSError as error:
        if error.errno in FULL:
            raise UserError(
                f"{state.part}: the disk is full; make room, then the same command goes on from byte {state.size:,}"
            ) from error
        raise
