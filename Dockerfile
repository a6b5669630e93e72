# The controller as an image. Built from a checkout: docker build --tag appintegrations-reconciler .
# What fills its labels as well stands in docs/operations.md.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /src
# Two environments: one builds the project, the other is what the image gets, without pip.
COPY requirements-build.lock requirements.lock ./
RUN python3 -m venv /build \
    && python3 -m venv --without-pip /opt/reconciler \
    && /build/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-build.lock \
    && /build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --no-compile --only-binary :all: \
        --no-deps --require-hashes --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY schemas schemas
COPY reconciler reconciler
# Compiled here, since nobody can write there later; by content, so that a copy with other file times stays compiled.
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --no-compile --no-deps --no-index /wheel/*.whl \
    && /opt/reconciler/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/reconciler/lib

FROM ${BASE}
# git and ssh fetch manifests. Their versions are those of the base, which is what gets security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /home/reconciler --shell /usr/sbin/nologin \
        reconciler \
    && install --directory /home/reconciler /srv/reconciler/manifests \
    && install --directory --owner=10001 --group=10001 /var/lib/reconciler \
    && ln --symbolic /var/lib/reconciler /srv/reconciler/.reconciler
# Nobody installs anything here, or becomes another user: what the official image has for that, and a Debian with
# python3-venv. The standard library, which the official image leaves uncompiled, is compiled as the program is.
RUN stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
    && rm -rf /usr/local/bin/idle* /usr/local/bin/pip* /usr/local/bin/pydoc* /usr/local/lib/python3*/ensurepip \
        /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/share/python-wheels "$stdlib"/ensurepip "$stdlib"/idlelib \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash -x '/(dist-packages|site-packages|tests?)/' "$stdlib"
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RECONCILER_CONTAINER=1 \
    RECONCILER_LISTEN=:8080
# Manifests are mounted at /srv/reconciler/manifests. The journal is in /var/lib/reconciler, where the program looks by
# itself, and has to outlast the container: mount a volume that lasts. RECONCILER_STATE is not set, since that would be
# a choice: a job of CI is refused without one. RECONCILER_CONTAINER says that an empty folder may be a volume that is not
# mounted: a journal begins with --new-state alone. What git fetches is in /tmp for a moment. Nothing else is written, so
# the root file system may be read-only.
# tini is process 1: it heeds signals a millisecond after its start, and Python only after some tenths of a second. In
# other images the program does the same by itself from then on (reconciler/app/init_process.py).
WORKDIR /srv/reconciler
VOLUME ["/var/lib/reconciler"]
EXPOSE 8080
ARG BASE
ARG CREATED=
ARG REVISION=
ARG SOURCE=
ARG VERSION=
LABEL org.opencontainers.image.title="appintegrations-reconciler" \
      org.opencontainers.image.description="GitOps for the data-integration associations of Amazon AppIntegrations" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}"
USER 10001:10001
STOPSIGNAL SIGTERM
# Runs that make no progress make it fail (--stuck-after), a controller that still starts does not.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["reconcile", "health"]
ENTRYPOINT ["tini", "--", "reconcile"]
CMD ["controller"]
