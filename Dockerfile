# One image for every process of Clearance: compose.yaml says which command each runs.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/clearance
COPY requirements.lock .
RUN /opt/clearance/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/clearance/bin/python -m pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home clearance && install -d -o clearance -m 700 /data
COPY --from=build /opt/clearance /opt/clearance
ENV PATH=/opt/clearance/bin:$PATH CLEARANCE_HOME=/data CLEARANCE_LOG_FORMAT=json PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 2024
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:2024/ready')"]
# beyond loopback it refuses to listen until a sign-in is configured
CMD ["clearance", "serve", "--host", "0.0.0.0", "--port", "2024"]
