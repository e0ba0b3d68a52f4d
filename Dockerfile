# The one image of KFlow: the runtime of functions, which is its default command, and `kflow controller`.
#   docker build --build-arg VERSION=0.1.0 -t kflow:0.1.0 .
# Debian's, with glibc: Temporal's native part is built for no other libc of Linux.
ARG NODE=node:26.10.0-bookworm-slim

FROM $NODE AS build
WORKDIR /opt/kflow
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY lib lib
COPY imports imports
COPY runtime runtime
COPY tools/prune-modules.sh tools/
RUN npm run build && rm -f dist/js/.tsbuildinfo && chmod 755 dist/js/runtime/cli/main.js
RUN npm prune --omit=dev --no-audit --no-fund && sh tools/prune-modules.sh node_modules

FROM $NODE
ARG VERSION=dev
LABEL org.opencontainers.image.title="kflow" \
      org.opencontainers.image.description="Runtime of KFlow's functions, and its controller" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Certificates for what is written in Rust, which reads the system's; npm and yarn are of no use here.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /opt/yarn* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/yarn* \
 && ln -s /opt/kflow/dist/js/runtime/cli/main.js /usr/local/bin/kflow
WORKDIR /opt/kflow
COPY package.json LICENSE ./
COPY sdk/python/kfbasicpy sdk/python/kfbasicpy
COPY --from=build /opt/kflow/node_modules node_modules
COPY --from=build /opt/kflow/dist/js dist/js
# The root may be read-only: only /tmp is written to, and Python leaves no bytecode.
ENV NODE_ENV=production PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 1000:1000
EXPOSE 9080 9002
CMD ["node", "/opt/kflow/dist/js/runtime/replica/main.js"]
