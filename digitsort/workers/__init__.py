"""Do one thing with many items, in order: in line, in worker processes or on a Dask cluster."""
