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
# Node's flags, one matter for each dash. Each was chosen by what npm run bench measures with it.
# - No signal opens the inspector, which would run code for every process that reaches its port.
# - WebAssembly (undici's HTTP parser) is compiled without optimization, which would take 26 MB for a moment, and 10 MB for good.
# - The operator may collect garbage itself, and does so after a busy time: V8 alone would keep 45 MB for minutes. So the heap may grow by
#   60 % between full collections: each holds up the passes. New garbage is collected also during a full collection, else it grows by
#   40 MB and more until that ends.
#   A semi-space of 8 MB keeps more of what is needed for a moment from becoming old, which only a full collection frees.
# - A function is interpreted 20 times, then Maglev compiles it: after a day little is left to compile, and the heap stays as it is. TurboFan
#   waits for 3,000 calls, which many functions reach only after days or weeks.
# - The thread that runs the passes compiles too: functions that wait for another thread take 20 MB and more.
# - One other thread is left, for full collections. With two processors, more threads hold up the passes.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--liftoff-only", "--max-semi-space-size=8", "--expose-gc", "--heap-growing-percent=60", "--no-separate-gc-phases", "--no-parallel-scavenge", "--no-sparkplug", "--max-opt=2", "--no-concurrent-recompilation", "--invocation-count-for-maglev=20", "--minimum-invocations-after-ic-update=20", "--v8-pool-size=1", "/app/main.mjs"]
