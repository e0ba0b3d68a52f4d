/** One rule of a NetworkPolicy: where pods may connect to. */
export interface EgressRule {
  readonly to?: readonly object[];
  readonly ports?: readonly { readonly protocol: 'TCP' | 'UDP'; readonly port: number }[];
}

/** Names are resolved at whatever server the cluster has for it: in kube-system, on the node, or elsewhere. */
const dns: EgressRule = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

const defaultPorts: { readonly [scheme: string]: number } = { nats: 4222, tls: 4222, http: 80, https: 443 };

/**
 * Rules that let pods resolve names and reach these addresses (`host:port`, or a URL; several separated by commas) and
 * nothing else. A Service of the cluster is let through by its namespace, an IP address by itself; for a name outside
 * the cluster only the port can be said. The pod itself (`localhost`) needs no rule.
 */
export function egressRules(addresses: readonly string[]): readonly EgressRule[] {
  const rules = addresses.flatMap((address) => address.split(',')).flatMap((address) => ruleOf(address.trim()));
  const unique = new Map(rules.map((rule) => [JSON.stringify(rule), rule]));
  return [dns, ...unique.values()];
}

function ruleOf(address: string): readonly EgressRule[] {
  const match = /^(?:(\w+):\/\/)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(address);
  const host = match?.[2];
  if (match === null || host === undefined || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)) return [];
  const port = match[3] === undefined ? defaultPorts[match[1] ?? ''] : Number(match[3]);
  const ports = port === undefined ? {} : { ports: [{ protocol: 'TCP' as const, port }] };
  return [{ ...peerOf(host), ...ports }];
}

function peerOf(host: string): Pick<EgressRule, 'to'> {
  if (/^\d+(\.\d+){3}$/.test(host)) return { to: [{ ipBlock: { cidr: `${host}/32` } }] };
  if (host.startsWith('[')) return { to: [{ ipBlock: { cidr: `${host.slice(1, -1)}/128` } }] };
  if (!host.includes('.')) return { to: [{ podSelector: {} }] };
  const namespace = /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(host)?.[1];
  if (namespace === undefined) return {};
  return { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }] };
}
