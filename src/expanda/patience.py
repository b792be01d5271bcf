"""A limit on how long one thing may take in the process at hand, where the system can interrupt it (not on Windows)."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

_AGAIN_SECONDS = 1.0  # where something swallowed the first interruption


class TookTooLongError(BaseException):
    """Something was interrupted. No Exception, so that nothing on the way takes it for an error of its own."""


class Patience:
    """A context in which everything between `begin` and `end` is interrupted after `seconds` of real time.

    Without seconds, outside the main thread, and where the system has no such timer, nothing is ever interrupted.
    """

    def __init__(self, seconds: int | None) -> None:
        works = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._seconds = seconds if works else None
        self._armed = False

    def __enter__(self) -> Patience:
        if self._seconds:
            self._old = signal.signal(signal.SIGALRM, self._interrupt)
        return self

    def begin(self) -> None:
        """Begin to measure."""
        if self._seconds:
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN_SECONDS)

    def end(self) -> None:
        """End what `begin` began; nothing is interrupted any more."""
        if self._seconds:
            self._armed = False  # first: the timer may run out before the next line
            signal.setitimer(signal.ITIMER_REAL, 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._seconds:
            self.end()
            signal.signal(signal.SIGALRM, self._old)

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self._armed:
            raise TookTooLongError
