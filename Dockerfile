# One image for every process: web, workers, beat, Flower and the migration. compose.yaml says which is which.
FROM python:3.13-slim-bookworm AS build
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements/uv.txt requirements/production.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && python -m pip install --no-cache-dir --require-hashes -r requirements/uv.txt \
    && uv pip install --python /opt/venv/bin/python --no-cache --compile-bytecode \
        --require-hashes -r requirements/production.txt
COPY . .
# Static files need settings that load, and nothing of what these placeholders name.
RUN env SECRET_KEY=build DATABASE_URL=postgres://build/build BROKER_URL=redis://build ALLOWED_HOSTS=build \
        EMAIL_URL=smtp://build SITE_URL=https://build FIELD_KEYS=build \
        SUBJECT_KEY=0000000000000000000000000000000000000000000000000000000000000000 \
        /opt/venv/bin/python manage.py collectstatic --noinput \
    && /opt/venv/bin/python -m compileall -q crasme privacy retention consent

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin crasme \
    && install -d -o crasme -g crasme -m 0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# Nothing is written outside /data and /tmp, so the root file system can be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "crasme.probe"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers", "crasme.wsgi:application"]
