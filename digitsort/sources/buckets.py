"""List and read objects of buckets and files of web servers, through fsspec.

Credentials are the business of fsspec's file systems, which find them where their vendors' tools do.
They are never part of a path here. The words of a server's error are never shown: they may have some.
"""

from __future__ import annotations

import random
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import lru_cache
from importlib import import_module
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from digitsort.errors import StorageError, UsageError
from digitsort.files.names import is_url, printable
from digitsort.files.regular import TooLargeError
from digitsort.sources.located import DENIED, MISSING, READ_ERROR, TIMED_OUT, Located, SourceError

T = TypeVar("T")

IN_FLIGHT = 32
"""Requests that a process has under way. One takes 10 to 50 ms, most of it waiting."""

AHEAD_BYTES = 16 * 2**20
"""Bytes of objects that are fetched ahead of the one that is decoded."""

ATTEMPTS = 6
"""Number of times to ask. Of requests that fail one time in ten, one in a million fails every time."""

FIRST_PAUSE_S, MOST_PAUSE_S = 0.1, 3.0
"""Seconds before the second attempt, and the most before a later one; each time twice as long."""

PATIENCE_S = 24.0
"""Seconds to wait for one object, with all attempts. A worker ends after 30 s with one file."""

UNKNOWN_SIZE = -1

_NO_CREDENTIALS = frozenset(
    "NoCredentialsError PartialCredentialsError CredentialRetrievalError ProfileNotFound "
    "TokenRetrievalError SSOTokenLoadError UnauthorizedSSOTokenError NoAuthTokenError "
    "DefaultCredentialsError RefreshError CredentialUnavailableError ClientAuthenticationError".split()
)
"""Errors of botocore, google.auth and azure.identity, by name: they are not imported for this."""

_OPTIONS = {
    "s3": {
        "config_kwargs": {
            "max_pool_connections": IN_FLIGHT,
            "connect_timeout": 5,
            "read_timeout": 10,
            "retries": {"max_attempts": 1},
        },
        "use_listings_cache": False,
        "skip_instance_cache": True,
    }
}
_OPTIONS["s3a"] = _OPTIONS["s3"]

_MERGED = re.compile("((?!file:)[a-z][a-z0-9+.-]+:)/(?!/)")
"""Start of an address in a `Path`. A scheme has more letters than a drive of Windows."""

_EXTRAS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class Found(NamedTuple):
    """A file or folder in a listing.

    Attributes
    ----------
    name : str
        Its last part; empty if the path can't be written with single slashes.
    size : int
        In bytes; `UNKNOWN_SIZE` if the server does not say.
    """

    name: str
    is_folder: bool
    size: int


def refuse_credentials(url: str) -> None:
    """Raise UsageError for an address that has a password or a query."""
    scheme, _, rest = url.partition("://")
    if "@" in rest.split("/", 1)[0] or (scheme in ("http", "https") and "?" in rest):
        raise UsageError(
            f"{scheme}: an address with a password or a query may hold credentials, which would be in "
            "labels.csv. Give credentials as the server's own tools take them: in the environment or "
            "in their settings."
        )


def address_of(path: str) -> str:
    """Return the address that a path was made of, which merges two slashes into one; else nothing."""
    return _MERGED.sub(r"\1//", path) if _MERGED.match(path) else ""


def folder_above(urls: Sequence[str]) -> str:
    """Return the folder that contains all objects; of several buckets, that of the first object."""
    levels = zip(*(url.split("/")[:-1] for url in urls), strict=False)
    shared = [names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels)]
    return "/".join(shared) if len(shared) > 2 else urls[0].rpartition("/")[0]


def how_to_download(url: str) -> tuple[str, str]:
    """Return how to download a folder, in words, and the name of the folder that it becomes."""
    scheme, _, bare = url.partition("://")
    name = bare.rpartition("/")[2]
    address, folder = shlex.quote(printable(url)), shlex.quote(printable(name))
    if scheme in ("s3", "s3a"):
        return f"Download them: aws s3 sync {address.replace('s3a:', 's3:', 1)} {folder}", folder
    if scheme in ("gs", "gcs"):
        return f"Download them: gcloud storage cp --recursive {address} .", folder
    return f"Download them into a folder {folder}", folder


def check_url(url: str) -> None:
    """Raise an error for an address that can't be read.

    Raises
    ------
    UsageError
        If it may hold credentials, no installed package reads it, or there is nothing.
    StorageError
        If it can't be reached, or not without credentials.
    """
    refuse_credentials(url)
    _file_system_of(url)
    if not exists(url):
        raise UsageError(f"{printable(url)}: No such bucket or folder. Name one that exists.")


def exists(url: str) -> bool:
    """Return whether there is an object or a folder.

    Raises
    ------
    StorageError
        If the server can't be asked.
    """
    files = _file_system_of(url)
    try:
        _patiently(lambda: files.info(_bare(url)))
    except SourceError as error:
        if error.reason == MISSING:
            return False
        raise StorageError(
            f"{printable(url)} can't be read: {error.reason}. Check the address, the credentials and "
            "the network."
        ) from error
    return True


def is_folder(url: str) -> bool:
    """Return whether a URL names a folder, not one file."""
    files = _file_system_of(url)
    kind = _patiently(lambda: files.info(_bare(url)))["type"]
    return bool(kind == "directory")


def list_folder(url: str) -> Iterator[Found]:
    """Yield what is in a folder, in any order.

    Raises
    ------
    SourceError
        If it can't be listed.
    """
    files, bare = _file_system_of(url), _bare(url)
    for entry in _patiently(lambda: files.ls(bare, detail=True)):
        path = entry["name"]
        inside = path.rstrip("/")
        if "?" in path and url.startswith("http"):
            continue  # links of a web server that sort its list
        if inside.strip("/") == bare.strip("/"):
            if path.strip("/") != path.lstrip("/").removesuffix("/"):
                yield Found("", True, 0)
            continue
        above, _, name = inside.rpartition("/")
        if above.strip("/") != bare.strip("/"):
            continue
        size = entry.get("size")
        yield Found(name, entry["type"] == "directory", UNKNOWN_SIZE if size is None else int(size))


def read_object(url: str, most_bytes: int) -> bytes:
    """Return the content of an object.

    Raises
    ------
    SourceError, TooLargeError
    StorageError
        If there are no credentials.
    """
    size = url.place if isinstance(url, Located) and isinstance(url.place, int) else UNKNOWN_SIZE
    if size > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    files, path = _file_system_of(url), _bare(str(url))
    data: bytes = _patiently(lambda: _fetched(files, path, size, most_bytes))
    if len(data) > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    return data


def _fetched(files: Any, path: str, size: int, most_bytes: int) -> bytes:
    if size > 0:  # a range: s3fs would ask for the size before
        data = bytes(files.cat_file(path, start=0, end=size + 1))
        if len(data) == size:
            return data
    known: int | None = 0 if size == 0 else files.info(path).get("size")
    if known is None:
        with files.open(path, "rb", block_size=0) as file:
            return bytes(file.read(most_bytes + 1))
    if known > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    return bytes(files.cat_file(path)) if known else b""


class Prefetch:
    """Fetches objects ahead, several at a time, while others are decoded.

    Parameters
    ----------
    items : sequence of str
        Paths of a batch; those of local files are returned as they are.
    """

    def __init__(self, items: Sequence[str]) -> None:
        self._items = items
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: dict[int, Future[bytes]] = {}
        self._next = self._bytes = 0
        objects = list(filter(is_object, items))
        self._has_objects = bool(objects)
        for url in objects[
            :1
        ]:  # loading takes seconds on a busy machine, which no object is to blame for
            _connect(url)

    def take(self, index: int) -> str:
        """Return an item; an object with its content, or the reason why there is none."""
        item = self._items[index]
        if not self._has_objects:
            return item
        self._fill(index)
        if (future := self._waiting.pop(index, None)) is None:
            return item
        self._bytes -= _nbytes(item)
        try:
            return Located(item, future.result(PATIENCE_S))
        except SourceError as error:
            return Located(item, error.reason)
        except FutureTimeoutError:
            return Located(item, TIMED_OUT)
        except TooLargeError:  # it grew; whoever reads it knows the limit
            return item

    def close(self) -> None:
        """Fetch no more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _fill(self, index: int) -> None:
        self._next = max(self._next, index)
        while self._next < min(index + 2 * IN_FLIGHT, len(self._items)):
            item = self._items[self._next]
            if is_object(item) and _nbytes(item) <= AHEAD_BYTES:
                if self._bytes and self._bytes + _nbytes(item) > AHEAD_BYTES:
                    return
                self._pool = self._pool or ThreadPoolExecutor(IN_FLIGHT)
                self._waiting[self._next] = self._pool.submit(read_object, item, AHEAD_BYTES)
                self._bytes += _nbytes(item)
            self._next += 1


def is_object(path: str) -> bool:
    """Return whether a path is that of an object, as a walk found it."""
    return type(path) is Located and isinstance(path.place, int)


def _nbytes(path: str) -> int:
    return path.nbytes if isinstance(path, Located) else 0


def _patiently(ask: Callable[[], T]) -> T:
    """Return the answer of a server; ask again with growing pauses if it fails."""
    end = time.monotonic() + PATIENCE_S
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except PermissionError as error:
            raise SourceError(DENIED) from error
        except TooLargeError:
            raise
        except Exception as error:  # each file system has errors of its own
            if isinstance(error, FileNotFoundError) and not _is_unreachable(error):
                raise SourceError(MISSING) from error
            if type(error).__name__ in _NO_CREDENTIALS:
                raise _no_credentials() from error
            pause = min(FIRST_PAUSE_S * 2**attempt, MOST_PAUSE_S) * random.uniform(0.5, 1)
            if attempt == ATTEMPTS - 1 or time.monotonic() + pause > end:
                raise SourceError(READ_ERROR) from error
            time.sleep(pause)
    raise AssertionError("neither an answer nor an error")


def _is_unreachable(error: FileNotFoundError) -> bool:
    """Return whether a server was not reached: fsspec's file system for HTTP calls that "not found"."""
    cause = error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)


def _no_credentials() -> StorageError:
    return StorageError(
        "The bucket needs credentials, and there are none. Set them as the tools of its vendor do (for "
        "S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), on every machine that reads."
    )


def _bare(url: str) -> str:
    """Return the path that a file system takes: without the scheme, but web servers need it."""
    scheme, _, rest = url.partition("://")
    return url if scheme in ("http", "https") else rest


def _file_system_of(url: str) -> Any:
    return _file_system(url.partition("://")[0])


def _connect(url: str) -> None:
    """Have all modules of a file system loaded; S3 loads most of them with its first session."""
    files = _file_system_of(url)
    if url.startswith("s3") and hasattr(files, "connect"):
        _patiently(files.connect)


@lru_cache(maxsize=8)
def _file_system(scheme: str) -> Any:
    try:
        fsspec = import_module("fsspec")
        return fsspec.filesystem(scheme, **_OPTIONS.get(scheme, {}))
    except ImportError as error:
        package = _EXTRAS.get(scheme)
        what = f"{package}, which is" if package else "fsspec and what it names, which are"
        extra = f"{package}" if package and package != "s3fs" else "'digitsort[cloud]'"
        raise UsageError(f"{scheme}:// needs {what} not installed: pip install {extra}.") from error
    except ValueError as error:
        raise UsageError(f"{scheme}:// is no address that fsspec knows.") from error
    except Exception as error:
        if type(error).__name__ in _NO_CREDENTIALS:
            raise _no_credentials() from error
        raise


def split_url(url: str) -> str:
    """Return a URL without the slashes at its end."""
    return url if not is_url(url) else re.sub("/+$", "", url)
