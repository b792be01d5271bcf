"""`expanda fetch` against a server of our own that breaks connections, refuses, lies and is slow; no other network."""

import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from expanda import arrivals, downloading
from expanda.arrivals import Wanted, alone
from expanda.downloading import Client
from expanda.fetch import SHAKESPEARE, SHAKESPEARE_BYTES, SHAKESPEARE_SHA256, Request, database_of, fetch, user_agent
from expanda.main import main
from expanda.utils import UserError

CONTENT = bytes(range(256)) * 1200
NAME = "kowiki-20261101-pages-articles-multistream.xml.bz2"
DATED = f"/kowiki/20261101/{NAME}"
STATUS = "/kowiki/20261101/dumpstatus.json"


class Server:
    """Files by path, and how the server behaves; what was asked for is in `asked`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.breaks: list[int] = []  # the next answers end after so many bytes of their body
        self.busy: list[int] = []  # the next answers have these statuses
        self.ignores_range = False
        self.pause_s = 0.0
        self.etag = '"one"'
        self.tells_length = True
        self.url = ""

    def dump(
        self, name: str = NAME, content: bytes = CONTENT, *, sha1: str | None = None, date: str = "20261101"
    ) -> None:
        """Offer one finished dump of kowiki, in the form of Wikimedia's server."""
        sha1 = sha1 or hashlib.sha1(content).hexdigest()
        entry = {"size": len(content), "url": f"/kowiki/{date}/{name}", "md5": "0" * 32, "sha1": sha1}
        jobs = {"articlesmultistreamdump": {"status": "done", "updated": "2026-11-02 00:00:00", "files": {name: entry}}}
        self.files[f"/kowiki/{date}/{name}"] = content
        self.files[f"/kowiki/{date}/dumpstatus.json"] = json.dumps({"version": "0.8", "jobs": jobs}).encode()
        listing = self.files.get("/kowiki/", b'<a href="../">../</a><a href="latest/">latest/</a>')
        self.files["/kowiki/"] = listing + f'<a href="{date}/">{date}/</a>'.encode()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one GET."""
        self.asked.append((request.path, dict(request.headers)))
        if self.busy:
            request.send_response(self.busy.pop(0))
            request.send_header("Retry-After", "7")
            request.end_headers()
        elif not request.headers["User-Agent"].startswith("gpt2-pretraining-expanda/"):
            request.send_error(403)
        elif (body := self.files.get(request.path)) is None:
            request.send_error(404)
        else:
            self._send(request, body)

    def _send(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        same = request.headers.get("If-Range", self.etag) == self.etag
        start = int(found[1]) if found and same and not self.ignores_range else 0
        if start >= len(body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(body)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.tells_length:
            request.send_header("Content-Length", str(len(body) - start))
        request.send_header("ETag", self.etag)
        request.end_headers()
        end = start + self.breaks.pop(0) if self.breaks and request.path.endswith((".bz2", ".txt")) else len(body)
        for at in range(start, min(end, len(body)), 50_000):
            request.wfile.write(body[at : min(at + 50_000, end)])
            request.wfile.flush()
            time.sleep(self.pause_s)

    def ranges(self) -> list[str | None]:
        """What parts of the dump were asked for."""
        return [headers.get("Range") for path, headers in self.asked if path.endswith(".bz2")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, with one dump."""
    monkeypatch.setenv("no_proxy", "*")
    ours = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # a client may leave
                ours.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    ours.url = f"http://127.0.0.1:{http.server_port}"
    ours.dump()
    yield ours
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited, without waiting."""
    return []


def get(server: Server, folder: Path, waits: list[float], **wanted: object) -> list[Path]:
    """Fetch kowiki from `server`."""
    request = {"name": "ko", "mirror": server.url, "output": folder, **wanted}
    return fetch(Request(**request), sleep=waits.append)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_command_fetches_the_newest_dump_and_says_how_to_use_it(server, workspace, capsys):
    assert main(["fetch", "ko", "--mirror", server.url]) == 0
    assert names(workspace.path / "src") == [NAME]
    assert (workspace.path / "src" / NAME).read_bytes() == CONTENT
    assert f"    --expanda.ext.wikipedia  src/{NAME}\n" in capsys.readouterr().out


def test_a_dump_that_is_still_being_made_is_passed_over(server, tmp_path, waits):
    server.dump(NAME.replace("1101", "1120"), date="20261120")
    server.files["/kowiki/20261120/dumpstatus.json"] = server.files["/kowiki/20261120/dumpstatus.json"].replace(
        b'"done"', b'"in-progress"'
    )
    assert get(server, tmp_path, waits) == [tmp_path / NAME]
    with pytest.raises(UserError, match="no finished pages-articles-multistream of 20261120"):
        get(server, tmp_path / "other", waits, date="20261120")


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path, waits):
    server.breaks = [100_000, 70_000]
    get(server, tmp_path, waits)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert names(tmp_path) == [NAME]
    assert server.ranges() == [None, "bytes=100000-", "bytes=170000-"]
    assert waits == [1.0, 2.0]


def test_a_later_run_goes_on_too_and_from_another_mirror(server, tmp_path, waits):
    server.breaks = [100_000] + [0] * 50
    with pytest.raises(UserError, match=r"closed after 100,000 of 307,200 bytes, 7 times in a row.*is kept"):
        get(server, tmp_path, waits)
    assert names(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    server.breaks, server.asked = [], []
    get(server, tmp_path, waits, mirror=server.url.replace("127.0.0.1", "localhost"))
    assert server.ranges() == ["bytes=100000-"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_waits_double_and_end(server, tmp_path, waits):
    server.busy = [503] * 50
    with pytest.raises(UserError, match="busy .status 503., 7 times in a row"):
        get(server, tmp_path, waits)
    assert waits == [7.0, 7.0, 7.0, 8.0, 16.0, 32.0]  # the server asked for 7


def test_a_server_that_ignores_ranges_sends_everything_again(server, tmp_path, waits, capsys):
    server.breaks, server.ignores_range = [100_000], True
    get(server, tmp_path, waits)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert "sends the whole file again" in capsys.readouterr().err


def test_a_file_that_changed_on_the_server_is_not_mixed_with_the_old_one(server, tmp_path, waits):
    server.breaks = [100_000] + [0] * 50
    with pytest.raises(UserError):
        get(server, tmp_path, waits)
    server.breaks, server.etag = [], '"two"'
    get(server, tmp_path, waits)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert "If-Range" in server.asked[-1][1]


def test_wrong_bytes_never_get_the_name_and_are_put_aside(server, tmp_path, waits):
    server.dump(sha1="0" * 40)
    with pytest.raises(UserError, match=rf"wrong bytes came: their sha1 is .+ must be 0{{40}}.+{NAME}\.bad"):
        get(server, tmp_path, waits)
    assert names(tmp_path) == [f"{NAME}.bad"]
    server.dump()
    get(server, tmp_path, waits)
    assert names(tmp_path) == [NAME, f"{NAME}.bad"]


def test_another_length_than_announced_is_told_before_anything_is_downloaded(server, tmp_path, waits):
    server.files[DATED] = CONTENT[:-1]
    with pytest.raises(UserError, match=r"offers 307,199 bytes, but 307,200 are announced"):
        get(server, tmp_path, waits)
    assert not (tmp_path / NAME).exists()


def test_without_a_length_the_sum_decides(server, tmp_path, waits):
    server.tells_length = False
    del server.files[STATUS]  # as on a mirror that has only the sums
    sums = f"{hashlib.sha1(CONTENT).hexdigest()}  {NAME}\n".encode()
    server.files["/kowiki/20261101/kowiki-20261101-sha1sums.txt"] = sums
    get(server, tmp_path, waits)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(server, tmp_path, waits):
    server.breaks = [100_000] + [0] * 50
    with pytest.raises(UserError):
        get(server, tmp_path, waits)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    server.asked = []
    get(server, tmp_path, waits)
    assert server.ranges() == []
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("more", "asked"), [(b"", [f"bytes={len(CONTENT)}-"]), (b"!", [f"bytes={len(CONTENT) + 1}-", None])]
)
def test_where_nobody_tells_the_size_the_server_says_that_nothing_is_missing(server, tmp_path, waits, more, asked):
    del server.files[STATUS]
    sums = f"{hashlib.sha1(CONTENT).hexdigest()}  {NAME}\n".encode()
    server.files["/kowiki/20261101/kowiki-20261101-sha1sums.txt"] = sums
    server.breaks = [100_000] + [0] * 50
    with pytest.raises(UserError):
        get(server, tmp_path, waits)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT + more)
    server.breaks, server.asked = [], []
    get(server, tmp_path, waits)
    assert server.ranges() == asked
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_part_of_something_else_is_thrown_away(server, tmp_path, waits):
    (tmp_path / f"{NAME}.part").write_bytes(b"something else")
    get(server, tmp_path, waits)
    assert server.ranges() == [None]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_what_is_there_and_right_is_not_downloaded_again_and_what_is_wrong_is_not_overwritten(server, tmp_path, waits):
    get(server, tmp_path, waits)
    server.asked = []
    get(server, tmp_path, waits)
    assert server.ranges() == []
    (tmp_path / NAME).write_bytes(b"mine")
    with pytest.raises(UserError, match="is there already, but its sha1 is not"):
        get(server, tmp_path, waits)
    assert (tmp_path / NAME).read_bytes() == b"mine"


def test_a_slow_server_is_waited_for(server, tmp_path, waits, monkeypatch):
    monkeypatch.setattr(downloading, "TIMEOUT_S", 0.5)
    server.pause_s = 0.12  # seven blocks: longer than the time limit, which is for silence only
    get(server, tmp_path, waits)
    assert waits == []
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_silence_is_no_hang(server, tmp_path, waits, monkeypatch):
    monkeypatch.setattr(downloading, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(downloading, "ATTEMPTS", 2)
    server.pause_s = 0.4
    with pytest.raises(UserError, match="2 times in a row"):
        get(server, tmp_path, waits)


def test_we_say_who_we_are_and_a_refusal_says_what_to_do(server, tmp_path, waits):
    get(server, tmp_path, waits, contact="me@example.org")
    agents = {headers["User-Agent"] for _, headers in server.asked}
    assert len(agents) == 1
    assert re.fullmatch(r"gpt2-pretraining-expanda/\S+ \(me@example\.org\) Python-urllib/3\S+", agents.pop())
    with pytest.raises(UserError, match=r"status 403.+--contact"):
        Client("Python-urllib/3.11", waits.append).read(f"{server.url}{STATUS}")
    with pytest.raises(UserError, match="must be one line"):
        user_agent("me\r\nX-Evil: 1")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"name": "xx"}, "is there a wiki 'xxwiki'"),
        ({"name": "../etc"}, "is no name of a wiki"),
        ({"date": "yesterday"}, "write YYYYMMDD, or latest"),
        ({"date": "20200101"}, "no finished pages-articles-multistream of 20200101"),
        ({"part": 3}, "no finished part 3 of 20261101"),
        ({"mirror": "file:///etc"}, "must begin with https://"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(server, tmp_path, waits, wanted, message):
    with pytest.raises(UserError, match=message):
        get(server, tmp_path / "src", waits, **wanted)
    assert not (tmp_path / "src").exists()


def test_no_network_is_told(tmp_path, waits):
    with pytest.raises(UserError, match=r"cannot reach the server .+ check the network"):
        fetch(Request("ko", mirror="http://127.0.0.1:1", output=tmp_path), sleep=waits.append)
    assert len(waits) == downloading.ATTEMPTS - 1


def test_a_file_larger_than_the_disk_is_told_at_once(server, tmp_path, waits, monkeypatch):
    monkeypatch.setattr(arrivals.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match="307,200 more bytes are needed and 1,000 are free"):
        get(server, tmp_path, waits)


def test_two_runs_do_not_write_one_file(server, tmp_path, waits):
    wanted = Wanted(f"{server.url}{DATED}", NAME, "sha1", hashlib.sha1(CONTENT).hexdigest())
    client = Client(user_agent(), waits.append)
    with alone(tmp_path / f"{NAME}.part"), pytest.raises(UserError, match="another 'expanda fetch'"):
        client.download(wanted, tmp_path)
    client.download(wanted, tmp_path)


def test_a_part_of_a_big_wiki_is_all_files_of_its_number(server, tmp_path, waits):
    status = json.loads(server.files[STATUS])
    files = status["jobs"]["articlesmultistreamdump"]["files"]
    parts = [
        f"kowiki-20261101-pages-articles-multistream{n}.xml-p{p}p{p + 9}.bz2" for n, p in [(1, 1), (1, 11), (10, 21)]
    ]
    for name in parts:
        content = name.encode()
        server.files[f"/kowiki/20261101/{name}"] = content
        files[name] = {"size": len(content), "sha1": hashlib.sha1(content).hexdigest()}
    server.files[STATUS] = json.dumps(status).encode()
    assert [path.name for path in get(server, tmp_path, waits, part=1)] == parts[:2]
    assert names(tmp_path) == sorted(parts[:2])


def test_wikis_are_called_as_wikimedia_calls_them():
    called = {"ko": "kowiki", "kowiki": "kowiki", "simple": "simplewiki", "zh-yue": "zh_yuewiki"}
    called |= {"enwiktionary": "enwiktionary", "KO": "kowiki", "wikidatawiki": "wikidatawiki"}
    assert {name: database_of(name) for name in called} == called


def test_the_sum_of_shakespeare_is_that_of_the_real_file(shared_data, server, tmp_path, waits):
    content = (shared_data / "tinyshakespeare.txt").read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (SHAKESPEARE_BYTES, SHAKESPEARE_SHA256)
    server.files[f"/{SHAKESPEARE}"] = content
    assert get(server, tmp_path, waits, name="shakespeare") == [tmp_path / "tinyshakespeare.txt"]
    assert (tmp_path / "tinyshakespeare.txt").read_bytes() == content
