# Two images: the service, replicated, and the load balancer in front of it.
#
#   docker build --target service      --tag clusteraspire/service .
#   docker build --target loadbalancer --tag clusteraspire/loadbalancer .
#
# The service is compiled ahead of time (docs/images.md has the figures). One that is not ready for Native AOT:
# --build-arg PUBLISH=managed, or change the default here.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG ASPNET_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
ARG NATIVE_IMAGE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
ARG PUBLISH=native

FROM ${NATIVE_IMAGE} AS native
FROM ${ASPNET_IMAGE} AS managed

# Native AOT links with a C toolchain, which .NET's SDK image does not have.
FROM ${SDK_IMAGE} AS toolchain
ARG PUBLISH
RUN if [ "$PUBLISH" = native ] && ! command -v clang gcc > /dev/null; then \
        apt-get update -qq && apt-get install -qq --yes --no-install-recommends gcc libc6-dev > /dev/null && rm -rf /var/lib/apt/lists/*; \
    fi

FROM toolchain AS build-service
ARG PUBLISH
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/Contract/Contract.csproj src/Contract/
COPY src/Link/Link.csproj src/Link/
COPY src/Replica/Replica.csproj src/Replica/
COPY src/ServiceDefaults/ServiceDefaults.csproj src/ServiceDefaults/
COPY src/Service/Service.csproj src/Service/
RUN if [ "$PUBLISH" = native ]; then echo '-p:PublishAot=true'; else echo '-p:PublishReadyToRun=true --no-self-contained'; fi > /publish && \
    dotnet restore src/Service --use-current-runtime $(sed 's/ .*//' /publish)
COPY .editorconfig ./
COPY src/Contract src/Contract
COPY src/Link src/Link
COPY src/Replica src/Replica
COPY src/ServiceDefaults src/ServiceDefaults
COPY src/Service src/Service
RUN dotnet publish src/Service --no-restore --use-current-runtime $(cat /publish) -p:DebugType=none -p:StripSymbols=true --output /app && \
    rm -f /app/*.dbg

FROM ${PUBLISH} AS service
LABEL org.opencontainers.image.title="ClusterAspire service" \
      org.opencontainers.image.description="One replica of the service: /health and /alive on port 8080" \
      org.opencontainers.image.licenses="MIT"
ENV ASPNETCORE_HTTP_PORTS=8080
EXPOSE 8080
WORKDIR /app
COPY --from=build-service /app .
USER 1654
ENTRYPOINT ["./ClusterAspire.Service"]

FROM ${SDK_IMAGE} AS build-loadbalancer
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/Contract/Contract.csproj src/Contract/
COPY src/Link/Link.csproj src/Link/
COPY src/Replica/Replica.csproj src/Replica/
COPY src/LoadBalancer/LoadBalancer.csproj src/LoadBalancer/
RUN dotnet restore src/LoadBalancer --use-current-runtime -p:PublishReadyToRun=true
COPY .editorconfig ./
COPY src/Contract src/Contract
COPY src/Link src/Link
COPY src/Replica src/Replica
COPY src/LoadBalancer src/LoadBalancer
RUN dotnet publish src/LoadBalancer --no-restore --use-current-runtime --no-self-contained -p:PublishReadyToRun=true -p:DebugType=none --output /app

FROM managed AS loadbalancer
LABEL org.opencontainers.image.title="ClusterAspire load balancer" \
      org.opencontainers.image.description="Balances requests over the service's replicas: public on port 8080, live page and metrics on 8081" \
      org.opencontainers.image.licenses="MIT"
# Its own settings say where it listens; with the base image's besides, it would warn.
ENV LoadBalancer__Url=http://[::]:8080 ASPNETCORE_HTTP_PORTS=
EXPOSE 8080 8081
WORKDIR /app
COPY --from=build-loadbalancer /app .
USER 1654
ENTRYPOINT ["./ClusterAspire.LoadBalancer"]
