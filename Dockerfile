# syntax=docker/dockerfile:1
# Three images of one site: `web` (no model library), `worker` (ONNX Runtime), `trainer` (torch for the CPU);
# and `perspective`, which answers for the Perspective API without a site.
#   docker build --target worker --tag moderation-worker .
ARG PYTHON_VERSION=3.11

# --- the package as a wheel ----------------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim-bookworm AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY toxicity_ml toxicity_ml
COPY moderation moderation
RUN --mount=type=cache,target=/root/.cache/pip pip wheel --no-deps --wheel-dir /wheels .

# --- one environment for each image, each on top of the one before ---------------------------------
FROM wheel AS web-environment
RUN python -m venv /opt/site
ENV PATH="/opt/site/bin:$PATH"
RUN --mount=type=cache,target=/root/.cache/pip pip install "$(ls /wheels/*.whl)[site]"

FROM web-environment AS worker-environment
RUN --mount=type=cache,target=/root/.cache/pip pip install "$(ls /wheels/*.whl)[site,worker]"

FROM worker-environment AS trainer-environment
# The wheels of torch on the package index bring CUDA, some gigabytes that a CPU has no use for.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG TORCH_VERSION=2.13.0
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --index-url "${TORCH_INDEX}" "torch==${TORCH_VERSION}" \
    && pip install "$(ls /wheels/*.whl)[site,train]"

FROM wheel AS perspective-environment
RUN python -m venv /opt/site
ENV PATH="/opt/site/bin:$PATH"
RUN --mount=type=cache,target=/root/.cache/pip pip install "$(ls /wheels/*.whl)[serve]"

# --- what runs -----------------------------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim-bookworm AS base
ENV PATH="/opt/site/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=mysite.settings \
    MODEL_DIRECTORY=/data/models \
    LOG_FORMAT=json
# The volume takes its owner from this folder. Nothing else is ever written outside /tmp and /run.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin moderation \
    && install --directory --owner moderation --group moderation /data/models
WORKDIR /site
COPY manage.py ./
COPY mysite mysite
COPY deploy/gunicorn.conf.py deploy/probe.py deploy/

FROM base AS web
COPY --from=web-environment /opt/site /opt/site
RUN SECRET_KEY=only-to-collect-files python manage.py collectstatic --noinput
ENV PROMETHEUS_MULTIPROC_DIR=/run/moderation
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/probe.py", "http://127.0.0.1:8000/healthz"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "mysite.wsgi"]

FROM base AS worker
COPY --from=worker-environment /opt/site /opt/site
ENV METRICS_PORT=9101 METRICS_ADDRESS=0.0.0.0
USER 10001
EXPOSE 9101
# The first verification of the model may take a while on a slow disk.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "deploy/probe.py", "http://127.0.0.1:9101/healthz"]
CMD ["celery", "--quiet", "--app", "mysite", "worker", "--queues", "screening", "--pool", "solo", \
     "--loglevel", "INFO", "--without-gossip", "--without-mingle"]

FROM base AS trainer
COPY --from=trainer-environment /opt/site /opt/site
USER 10001
CMD ["python", "manage.py", "retrain"]

FROM python:${PYTHON_VERSION}-slim-bookworm AS perspective
ENV PATH="/opt/site/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin moderation
WORKDIR /site
COPY deploy/probe.py deploy/
COPY --from=perspective-environment /opt/site /opt/site
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "deploy/probe.py", "http://127.0.0.1:8080/healthz"]
CMD ["python", "-m", "toxicity_ml", "serve", "--host", "0.0.0.0", "--keys", "/run/secrets/keys"]
