"""What goes wrong on a Dask worker is said with its address, and never passes for a lost scheduler."""

from __future__ import annotations

import pytest

from digitsort.errors import ClusterError, OutputError
from digitsort.workers.kit import _errors_of


@pytest.mark.parametrize(
    ("error", "kind"), [(OutputError("full"), OutputError), (OSError(28, "full"), ClusterError)]
)
def test_an_error_names_its_worker(error: Exception, kind: type[Exception]) -> None:
    with (
        pytest.raises(kind, match=r"On the Dask worker at tcp://10\.0\.0\.7:4000: .*full") as caught,
        _errors_of("tcp://10.0.0.7:4000"),
    ):
        raise error
    assert type(caught.value) is kind
