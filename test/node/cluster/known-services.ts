/** A server outside the cluster that pods reach as a Service. */
export interface OutsideServer {
  readonly namespace: string;
  readonly name: string;
  /** Port of the Service, as documents name it. */
  readonly port: number;
  /** `host:port`, or a URL. */
  readonly address: string;
}

/** Manifests that make servers outside the cluster reachable as `<name>.<namespace>.svc:<port>`. */
export function servicesFor(servers: readonly OutsideServer[]): object[] {
  return servers.flatMap(({ namespace, name, port, address }) => {
    const { hostname, port: ownPort } = new URL(address.includes('://') ? address : `tcp://${address}`);
    const metadata = { name, namespace };
    return [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: '', port: Number(ownPort), protocol: 'TCP' }],
        endpoints: [{ addresses: [hostname], conditions: { ready: true } }],
      },
    ];
  });
}
