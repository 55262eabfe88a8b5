# The operator's image: the bundle, and what is to be known of it, on a base that holds Node and nothing else.
#   docker build -t REGISTRY/acr-replication-operator:VERSION .
# No FROM has --platform, which az acr build refuses (https://github.com/Azure/acr/issues/697, read 2026-11-28).
# BUILD has Node 24 and npm; BASE has Node 24 or newer as /nodejs/bin/node, and needs neither shell nor packages.
ARG BUILD=node:24-bookworm-slim
ARG BASE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD} AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc tsconfig.json ./
# No package needs its install script to be bundled, so none of them runs.
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
RUN node scripts/build.ts

FROM ${BASE}
ARG BASE
LABEL org.opencontainers.image.title="acr-replication-operator" \
      org.opencontainers.image.description="Kubernetes operator that keeps Azure container registries replicated to the regions you list" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
WORKDIR /app
COPY LICENSE ./
# main.mjs and its chunks with their source maps, LICENSES.txt and sbom.cdx.json, the licences and the bill of materials of what is bundled.
COPY --from=build /source/dist/main.mjs /source/dist/main.mjs.map /source/dist/LICENSES.txt /source/dist/sbom.cdx.json ./
COPY --from=build /source/dist/chunks chunks/
# One malloc arena: the arenas of other threads would be unused memory.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
# A number, so that the kubelet can see that it is not root. Nothing is ever written to the root file system.
USER 65532:65532
EXPOSE 8080 8081
# Garbage is collected early: less than half the memory with 10,000 objects (npm run bench). No signal opens the
# inspector, which would run code for every process that reaches its port. WebAssembly (undici's HTTP parser) is compiled without
# optimization, which would take 26 MB for a moment, and 10 MB for good. Of V8's compilers only the interpreter and the one for the hottest
# code are used: the two between them take 27 MB with 10,000 objects, most of it for the moment in which they compile. Until then code
# is interpreted, so it counts as hot after 1,000 calls, not 3,000. Two threads compile and collect garbage, not four, so that on two
# processors they hold up the passes less. With one alone collections end late, and 10,000 objects take more than the 160 MB promised.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--liftoff-only", "--max-semi-space-size=4", "--heap-growing-percent=30", "--no-sparkplug", "--no-maglev", "--invocation-count-for-turbofan=1000", "--v8-pool-size=2", "/app/main.mjs"]
