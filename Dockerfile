# The operator's image: one bundled file on a base that holds Node and nothing else.
#   docker build -t acr-replication-operator:0.1.0 .
ARG BUILD=node:24-bookworm-slim
ARG BASE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD} AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY scripts scripts
COPY src src
RUN npm run build

FROM ${BASE}
WORKDIR /app
COPY --from=build /source/dist/ ./
ENV NODE_ENV=production
# A number, so that the kubelet can see that it is not root.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/nodejs/bin/node", "--enable-source-maps", "/app/main.mjs"]
