"""`expanda fetch`: a wiki's dump from Wikimedia or a mirror, or the tiny Shakespeare, into the workspace."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from expanda.arrivals import Wanted
from expanda.downloading import Client, MissingError
from expanda.utils import VERSION, UserError, say

WIKIMEDIA = "https://dumps.wikimedia.org"
# Others that hold the dumps; https://meta.wikimedia.org/wiki/Mirroring_Wikimedia_project_XML_dumps lists more.
MIRRORS = (WIKIMEDIA, "https://dumps.wikimedia.your.org", "https://mirror.accum.se/mirror/wikimedia.org/dumps")
GITHUB = "https://raw.githubusercontent.com"
# The file of karpathy/char-rnn that nanoGPT's recipes use, 1,115,394 bytes; the sum was taken of those bytes.
SHAKESPEARE = "karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_BYTES = 1_115_394
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
_FAMILY = re.compile(r".+(wiki|wiktionary|wikibooks|wikinews|wikiquote|wikisource|wikiversity|wikivoyage)")
_DATES_TRIED = 4  # the newest may still be in the making


@dataclass(frozen=True)
class Request:
    """What the user asks for; see `expanda fetch --help`."""

    name: str
    date: str = "latest"
    part: int | None = None
    mirror: str | None = None
    output: Path = Path("src")
    contact: str | None = None


def fetch(request: Request, *, sleep: Callable[[float], None] = time.sleep) -> list[Path]:
    """Download what is asked for, one file after another over one connection each; return the places.

    Raises:
        UserError: a name, date or part does not exist, the server cannot be reached, or sends wrong bytes.
    """
    if request.mirror is not None and not re.match(r"https?://[^/\s]\S*$", request.mirror):
        raise UserError(f"--mirror {request.mirror}: must begin with https:// (or http://) and a host")
    client = Client(user_agent(request.contact), sleep)
    if request.name == "shakespeare":
        module, wanted = "expanda.ext.text", [_shakespeare(request)]
    else:
        module, wanted = "expanda.ext.wikipedia", _Wiki(request, client).wanted()
    places = [client.download(file, request.output) for file in wanted]
    say("for [build] in expanda.cfg:\ninput-files =")
    for place in places:
        say(f"    --{module}  {place.as_posix()}")
    return places


def user_agent(contact: str | None = None) -> str:
    """Return who we say we are: program, version and whom to ask, as Wikimedia's User-Agent policy wants it.

    Raises:
        UserError: `contact` is no single line of plain text.
    """
    whom = contact or _project_url() or "run by a person, who gave no contact"
    if not (whom.isascii() and whom.isprintable()):
        raise UserError("--contact must be one line of ASCII, such as a mail address or the address of a page")
    return f"gpt2-pretraining-expanda/{VERSION} ({whom}) Python-urllib/{platform.python_version()}"


def _project_url() -> str | None:
    try:
        urls = metadata.metadata("gpt2-pretraining").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return None
    return f"+{urls[0].rpartition(' ')[2]}" if urls else None


def _shakespeare(request: Request) -> Wanted:
    url = f"{(request.mirror or GITHUB).rstrip('/')}/{SHAKESPEARE}"
    return Wanted(url, "tinyshakespeare.txt", "sha256", SHAKESPEARE_SHA256, SHAKESPEARE_BYTES)


def database_of(name: str) -> str:
    """Return the name that dumps bear: 'ko' is kowiki, 'zh-yue' is zh_yuewiki, 'enwiktionary' is itself.

    Raises:
        UserError: no wiki can be called so.
    """
    wiki = name.lower().replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", wiki):
        raise UserError(f"'{name}' is no name of a wiki; write a language such as ko or simple, or enwiktionary")
    return wiki if _FAMILY.fullmatch(wiki) else f"{wiki}wiki"


class _Wiki:
    """The dumps of one wiki on one server."""

    def __init__(self, request: Request, client: Client) -> None:
        self.request, self.client = request, client
        self.wiki = database_of(request.name)
        self.root = f"{(request.mirror or WIKIMEDIA).rstrip('/')}/{self.wiki}"

    def wanted(self) -> list[Wanted]:
        """Return the files of the dump that is asked for, or of the newest one that is finished."""
        unfinished = []
        for date in self._dates():
            found = self._files(date)
            if found and all(found.values()):
                files = [self._describe(date, name, entry) for name, entry in sorted(found.items(), key=_in_order)]
                say(f"{self.wiki} of {date}: {', '.join(file.name for file in files)}")
                return files
            unfinished.append(date)
        what = f"part {self.request.part}" if self.request.part is not None else "pages-articles-multistream"
        raise UserError(
            f"{self.root}: no finished {what} of {' or '.join(unfinished)}; it may still be in the making, or this "
            "wiki has no such part (only big wikis have parts); look there, and name another --date or --part"
        )

    def _dates(self) -> list[str]:
        if self.request.date != "latest":
            if not re.fullmatch(r"20\d{6}", self.request.date):
                raise UserError(f"--date {self.request.date}: write YYYYMMDD, or latest")
            return [self.request.date]
        try:
            listing = self.client.read(f"{self.root}/").decode(errors="replace")
        except MissingError as error:
            raise UserError(
                f"{error}; is there a wiki '{self.wiki}'? Write a language such as ko, or kowiki"
            ) from error
        dates = sorted(set(re.findall(r'href="(?:[^"]*/)?(20\d{6})/?"', listing)), reverse=True)
        if not dates:
            raise UserError(f"{self.root}/ lists no dumps; name a --date, or another --mirror")
        return dates[:_DATES_TRIED]

    def _files(self, date: str) -> dict[str, dict[str, Any]]:
        """Return the files we look for; what is known of each is empty while it is being made."""
        try:
            status = json.loads(self.client.read(f"{self.root}/{date}/dumpstatus.json"))
            listed = dict(_listed(status))
        except MissingError:  # some mirrors lack it
            listed = self._sums(date)
        except (ValueError, AttributeError, TypeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                f"{self.root}/{date}/dumpstatus.json cannot be understood; name another --mirror"
            ) from error
        # A big wiki's part N is multistreamN.xml-p10p20.bz2, or several of these with other pages.
        middle = r"\.xml" if self.request.part is None else rf"{self.request.part}\.xml-p\d+p\d+"
        name = re.compile(rf"{self.wiki}-{date}-pages-articles-multistream{middle}\.bz2")
        return {key: entry for key, entry in listed.items() if name.fullmatch(key)}

    def _sums(self, date: str) -> dict[str, dict[str, Any]]:
        try:
            text = self.client.read(f"{self.root}/{date}/{self.wiki}-{date}-sha1sums.txt").decode(errors="replace")
        except MissingError:
            return {}
        return {line.split()[1]: {"sha1": line.split()[0]} for line in text.splitlines() if len(line.split()) == 2}

    def _describe(self, date: str, name: str, entry: dict[str, Any]) -> Wanted:
        size = entry.get("size")
        return Wanted(
            f"{self.root}/{date}/{name}", name, "sha1", str(entry["sha1"]), size if isinstance(size, int) else None
        )


def _in_order(file: tuple[str, Any]) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", file[0])]  # by the numbers: p9 stands before p10


def _listed(status: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the files of a dumpstatus.json: which job makes the whole file differs between big and small wikis."""
    for job in status["jobs"].values():
        for name, entry in (job.get("files") or {}).items():
            done = job.get("status") == "done" and entry.get("sha1")
            yield name, entry if done else {}
