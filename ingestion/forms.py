"""Which of the forms its contract states a file has, told by its first bytes, and by nothing else."""

from pathlib import Path

from ingestion import workbook
from ingestion.contract import Contract, File


def form_of(head: bytes, file: File) -> File:
    """The form among `file` and its alternatives; the first where none is a better fit."""
    forms = [file, *file.alternatives]
    fits = [form for form in forms if (form.format == "xlsx") == workbook.is_workbook(head)]
    return fits[0] if fits else file


def as_sent(path: Path, contract: Contract) -> Contract:
    """The contract for one file: the same, with the form in which the file came."""
    with path.open("rb") as handle:
        form = form_of(handle.read(8), contract.file)
    if form is contract.file:
        return contract
    others = tuple(other.model_copy(update={"file": form}) for other in contract.others)
    return contract.model_copy(update={"file": form, "others": others})
