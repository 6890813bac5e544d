# syntax=docker/dockerfile:1
# Two stages: what installs stays in the first one. docker/install.sh does the work, here and in a
# test. Pin the base image by the digest that your registry shows (docker buildx imagetools inspect).
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY docker/install.sh docker/
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY protocol protocol
COPY migrations migrations
COPY server server
COPY load load
RUN docker/install.sh /opt/liveclass

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="liveclass" \
      org.opencontainers.image.description="A teaching-first live session server" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/liveclass /opt/liveclass
# Where recordings wait to be stored, and where local sockets are: the only places that are written
# to. The root file system may be read-only.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin liveclass \
    && install -d -o liveclass -g liveclass -m 0700 /var/lib/liveclass /run/liveclass
ENV PATH=/opt/liveclass/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LIVECLASS_HOST=0.0.0.0 \
    LIVECLASS_OPS_HOST=0.0.0.0 \
    LIVECLASS_LOG_FORMAT=json \
    LIVECLASS_RUNTIME_DIR=/run/liveclass \
    LIVECLASS_SPOOL_DIR=/var/lib/liveclass
USER 10001:10001
WORKDIR /var/lib/liveclass
VOLUME /var/lib/liveclass
EXPOSE 8080/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["/opt/liveclass/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/healthz/live', timeout=2)"]
ENTRYPOINT ["liveclass"]
CMD ["serve"]
