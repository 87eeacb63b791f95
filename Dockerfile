# The operator, in an image with nothing else in it:
#   docker build -t entitlement-operator:latest .
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin entitlement-operator

# Same Debian as above, so that the C library fits; user 65532, no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="entitlement-operator" \
      org.opencontainers.image.description="Entitlement management for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /src/target/release/entitlement-operator /entitlement-operator
# Otherwise glibc keeps a heap for every core of the node: half as much memory again on 16 cores.
ENV MALLOC_ARENA_MAX=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/entitlement-operator"]
