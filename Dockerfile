# syntax=docker/dockerfile:1
# docker build -t digitsort .
# docker run --rm --read-only --tmpfs /tmp -v "$PWD/scans:/scans:ro" -v "$PWD/out:/out" digitsort classify /scans
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY digitsort digitsort
ARG EXTRAS=cloud,cut,dask,fast,heic,parquet,pdf,watch,zstd
RUN python -m venv /opt/digitsort \
    && /opt/digitsort/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /opt/digitsort/bin/pip install --no-cache-dir "$(echo /wheels/*.whl)[${EXTRAS}]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/digitsort /opt/digitsort
# Any user may write into these folders, so that `--user "$(id -u)"` works. /state has the key that signs
# unfinished files and journals: name a volume for it to resume, undo or watch in a later container.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin digitsort \
    && mkdir --mode=1777 /scans /out /state
ENV PATH=/opt/digitsort/bin:$PATH \
    DIGITSORT_STATE=/state
USER 10001:10001
WORKDIR /out
VOLUME /state
ENTRYPOINT ["digitsort"]
CMD ["--help"]
