# The one image of KFlow: the runtime of functions, which is its default command, and `kflow controller`.
#   docker build --build-arg VERSION=0.1.0 -t kflow:0.1.0 .
# `npm run image` makes the same image without Docker: its files come from tools/image in both cases, and it reads the last
# stage below for the rest. Nothing of the image that this one is built in remains.
ARG BUILDER=node:24.20.0-bookworm-slim@sha256:ba849c60be29959425b8734d57b8b4b7d56f98edd9504c9af091d5281095a71e

FROM --platform=$BUILDPLATFORM $BUILDER AS build
ARG TARGETPLATFORM
WORKDIR /src
COPY package.json package-lock.json LICENSE ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json Dockerfile ./
COPY lib lib
COPY imports imports
COPY runtime runtime
COPY sdk/python/kfbasicpy sdk/python/kfbasicpy
COPY tools/image tools/image
RUN npm run image -- --platform "$TARGETPLATFORM" --root /root-of-image

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="kflow" \
      org.opencontainers.image.description="Runtime of KFlow's functions, and its controller" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /root-of-image /
# The root may be read-only: only /tmp is written to, and Python leaves no bytecode.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/kflow/sdk/python HOME=/tmp
WORKDIR /opt/kflow
USER 1000:1000
EXPOSE 9080 9002
CMD ["node", "/opt/kflow/dist/js/runtime/replica/main.js"]
