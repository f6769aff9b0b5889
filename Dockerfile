# ctt-net without training, for a machine that may have no network. The commands are those of
# docs/start/installation.md, "Without a network". Neither data nor models are in the image:
#   docker build -t ctt-net .
#   docker run --rm --network none -v "$PWD/data:/data:ro" -v "$PWD/out:/out" ctt-net \
#       predict /data/patient_0042 --model simulated --out /out/0042
# Research use only. Not a medical device.
FROM python:3.11-slim AS carried
WORKDIR /src
COPY . .
RUN pip wheel --wheel-dir wheels .

FROM python:3.11-slim
COPY --from=carried /src/wheels wheels
RUN pip install --no-index --find-links wheels ctt-net
RUN useradd --create-home ctt-net
USER ctt-net
WORKDIR /home/ctt-net
ENTRYPOINT ["ctt-net"]
CMD ["--help"]
