# Builds Untether and ships it alone, as a user without rights.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock build.rs askama.toml ./
COPY .cargo .cargo
COPY src src
COPY static static
COPY templates templates
COPY migrations migrations
COPY benches benches
RUN cargo build --profile dist --locked && install -d -o 10001 -g 10001 /empty

FROM debian:bookworm-slim
# For PostgreSQL and key sets over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /source/target/dist/untether /usr/local/bin/untether
COPY --from=build --chown=10001:10001 /empty /data
USER 10001:10001
VOLUME /data
ENV UNTETHER_LISTEN=0.0.0.0:8080 UNTETHER_DATABASE_URL=sqlite:///data/untether.db
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["untether", "health"]
ENTRYPOINT ["untether"]
CMD ["serve"]
