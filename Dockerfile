# The proxy, without the embedded ClickHouse engine (543 MB): it records in the ClickHouse of CLICKHOUSE_URL.
#
#   docker build -t understudy .
#   docker run -p 127.0.0.1:8787:8787 -p 127.0.0.1:8788:8788 -v understudy:/var/lib/understudy \
#     -e UNDERSTUDY_ADMIN_TOKEN=… -e CLICKHOUSE_URL=http://… -e CLICKHOUSE_PASSWORD=… understudy
#
# docker-compose.yml does the same with a ClickHouse beside it.

# The very Node that package.json pins for laptops. The tag is for people, the digest is what is pulled: a tag can move.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What packages would run while they install is for development only: none that is left has anything to build.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Understudy" \
      org.opencontainers.image.description="A transparent LLM proxy that records every call in ClickHouse." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

# Package managers are of no use here, except to someone who broke in. The directory exists, and belongs to the user
# below, so that a volume mounted on it for the first time belongs to that user as well.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
    && install -d -o 1000 -g 1000 -m 0700 /var/lib/understudy \
    && ln -s /app/src/bin.mjs /usr/local/bin/understudy

ENV NODE_ENV=production \
    UNDERSTUDY_CONFIG=/app/config/understudy.compose.yaml
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY config config
COPY src src

# The user `node` of the base image, as a number, because Kubernetes' runAsNonRoot cannot judge a name. It owns nothing
# but the data directory: the rest of the file system may be read-only.
USER 1000:1000
# Rows that ClickHouse has not acknowledged yet. Without a volume of its own they are gone with the container.
VOLUME /var/lib/understudy
EXPOSE 8787 8788

# Node is process 1 and gets the signal itself: it finishes what is under way, hands the rows over and exits with 0.
STOPSIGNAL SIGTERM
# Alive, not ready: ClickHouse away is no reason to restart a proxy that serves.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8788/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/src/bin.mjs"]
CMD ["serve"]
