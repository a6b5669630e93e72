# The image of the controller. Build it from a checkout: docker build --tag appintegrations-reconciler .
# docs/how-to/run-in-a-container.md shows the arguments that fill the labels.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /src
# Two environments: /build builds the project, and /opt/reconciler is copied to the image. The latter has no pip.
COPY requirements-build.lock requirements.lock ./
RUN python3 -m venv /build \
    && python3 -m venv --without-pip /opt/reconciler \
    && /build/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-build.lock \
    && /build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --no-compile --only-binary :all: \
        --no-deps --require-hashes --requirement requirements.lock
COPY .pre-commit-hooks.yaml LICENSE README.md pyproject.toml ./
COPY deploy deploy
COPY schemas schemas
COPY reconciler reconciler
# Compiled here, because the folder is not writable later. Unchecked hashes keep a copy with different file times
# compiled.
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir --no-compile --no-deps --no-index /wheel/*.whl \
    && /opt/reconciler/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/reconciler/lib

FROM ${BASE}
# git and ssh fetch manifests. The base decides their versions, so that security updates arrive with the base.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /home/reconciler --shell /usr/sbin/nologin \
        reconciler \
    && install --directory /home/reconciler /srv/reconciler/manifests \
    && install --directory --owner=10001 --group=10001 /var/lib/reconciler \
    && ln --symbolic /var/lib/reconciler /srv/reconciler/.reconciler
# The container never installs packages or changes its user. This step removes the tools for that, from the official
# image as well as from a Debian image with python3-venv. It also compiles the standard library, which the official
# image leaves uncompiled.
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
    RECONCILER_LISTEN=:8080 \
    RECONCILER_YES=1
# Mount manifests at /srv/reconciler/manifests. The program's default location for the journal leads to
# /var/lib/reconciler. The journal must outlive the container: mount a persistent volume there.
# RECONCILER_STATE is not set, because it would count as an explicit choice: a CI job without a choice is refused.
# RECONCILER_CONTAINER tells the program that an empty folder may be a volume that is not mounted: it then starts a new
# journal only with --new-state. The program fetches git repositories to /tmp and removes them afterwards. It writes
# nothing else, so the root file system may be read-only.
# RECONCILER_YES prevents a question at the terminals of `docker run -t`, compose and Kubernetes, where nobody sits.
# tini is process 1, because it handles signals a millisecond after its start. Python needs some tenths of a second.
# In other images the program handles them itself once it runs (reconciler/app/init_process.py).
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
# The check fails if runs make no progress (--stuck-after). It does not fail while the controller starts.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["reconcile", "health"]
ENTRYPOINT ["tini", "--", "reconcile"]
CMD ["controller"]
