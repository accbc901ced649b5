# Contains only the program and the certificates that it needs: no shell, and only the user nobody.
#
#   docker build --tag polwarden .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/repository:ro" polwarden validate
FROM docker.io/library/rust:1.95-alpine@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist --package polwarden && cp target/dist/polwarden /polwarden

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /polwarden /polwarden
USER 65532:65532
WORKDIR /repository
ENTRYPOINT ["/polwarden"]
