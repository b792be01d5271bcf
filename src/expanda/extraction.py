"""The first stage: every source's extension turns its file into documents and says what it kept and what it dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expanda.config import Source
from expanda.lines import import_plain_text, read_documents, unescape
from expanda.tally import Report
from expanda.utils import UserError, say
from expanda.workplace import Workplace


def extract_source(source: Source, number: int, work: Workplace) -> dict[str, Any]:
    """Write the documents of one source to `documents_of(number, work)`; return its balanced report as plain data.

    An extension that declares `resumes` finds its own directory as a killed run left it; others begin anew.

    Raises:
        UserError: the extension failed, wrote nothing, or lost text without naming it.
    """
    say(f"extract: {source.path} with {source.extension.module}")
    documents = documents_of(number, work)
    plain = documents.with_suffix(".plain")
    resumes = source.extension.resumes
    folder = work.folder_for(f"{documents.name}.work", keep=resumes)
    written = documents if source.extension.writes_documents else plain
    if not resumes:
        written.unlink(missing_ok=True)
    returned = source.extension.run(source.path, written, folder, source.arguments)
    if not written.is_file():
        raise UserError(f"extension {source.extension.module} wrote nothing for {source.path}")
    report = Report()
    if source.extension.writes_documents:
        report.add_record(returned)
    else:
        report.pages.read = report.pages.kept = import_plain_text(plain, documents)
        for _, line in read_documents(documents):
            report.read_sequence(unescape(line), None)
        plain.unlink()
    report.check(source.path)
    return report.as_record()


def documents_of(number: int, work: Workplace) -> Path:
    """Return where the documents of a source lie."""
    return work.folder / f"source-{number:05d}"
