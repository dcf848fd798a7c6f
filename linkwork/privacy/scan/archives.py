"""Openers of compressed, packed and sealed files. Each gives the parts in order and raises what its library raises."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import BinaryIO, cast

import pyarrow as pa

from linkwork.privacy import vault
from linkwork.privacy.scan.content import Content, Part, Stream
from linkwork.privacy.scan.streams import Chunks, Refused


def open_gzip(content: Content) -> Iterator[Part]:
    """One stream, of as many members as there are."""
    with gzip.GzipFile(fileobj=content.handle) as stream:
        yield _unpacked(content, stream)


def open_bz2(content: Content) -> Iterator[Part]:
    """One stream."""
    with bz2.BZ2File(content.handle) as stream:
        yield _unpacked(content, stream)


def open_xz(content: Content) -> Iterator[Part]:
    """One stream."""
    with lzma.LZMAFile(content.handle) as stream:
        yield _unpacked(content, stream)


def arrow_opener(codec: str) -> Callable[[Content], Iterator[Part]]:
    """An opener for a codec of Arrow: `zstd` or `lz4` (its frame format)."""

    def opened(content: Content) -> Iterator[Part]:
        with pa.CompressedInputStream(pa.PythonFile(content.handle, "r"), codec) as stream:
            yield _unpacked(content, stream)

    return opened


def open_zip(content: Content) -> Iterator[Part]:
    """Each entry, those that a later entry of the same name hides too. XLSX is a zip."""
    with zipfile.ZipFile(content.handle) as archive:
        for entry in archive.infolist():
            if entry.flag_bits & 0x1:
                raise Refused("it holds an entry that is locked with a password")
            with archive.open(entry) as stream:
                yield Stream(f"entry {entry.filename}", cast(BinaryIO, stream), entry.filename)


def open_tar(content: Content) -> Iterator[Part]:
    """Each regular file; the headers, and the targets of links, were searched with the raw bytes."""
    with tarfile.open(fileobj=content.handle, mode="r:") as archive:
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isreg() else None
            if stream is not None:
                yield Stream(f"entry {entry.name}", cast(BinaryIO, stream), entry.name)


def open_sealed(content: Content) -> Iterator[Part]:
    """The plaintext of a sealed file of zone 1, deciphered frame by frame."""
    if content.zone1_key is None:
        raise Refused("it is sealed, and no zone 1 key was given")
    frames = vault.unseal_frames(content.handle, content.zone1_key, content.name)
    yield Stream("sealed content", cast(BinaryIO, io.BufferedReader(Chunks(frames))))


def refuse(content: Content) -> Iterator[Part]:
    """A compressed or enciphered format that we recognise and cannot open."""
    raise Refused("no reader for this format")
    yield


def _unpacked(content: Content, stream: object) -> Part:
    return Stream("unpacked", cast(BinaryIO, stream), PurePath(content.name).stem)
