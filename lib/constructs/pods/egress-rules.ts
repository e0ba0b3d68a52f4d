/** An egress rule of a NetworkPolicy. */
export interface EgressRule {
  readonly to?: readonly object[];
  readonly ports?: readonly { readonly protocol: 'TCP' | 'UDP'; readonly port: number }[];
}

/** DNS, at any address: clusters run it in kube-system, on the node, or elsewhere. */
const dns: EgressRule = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

const httpPort = 80;
const defaultPorts: { readonly [scheme: string]: number } = { nats: 4222, tls: 4222, http: httpPort, https: 443 };

/**
 * Rules that allow DNS and connections to these addresses only: each is `host:port` or a URL, or several separated by
 * commas. Without a port, it is that of the scheme; without a scheme too, that of http. A Service is allowed by its namespace
 * and port, an IP address by itself. A NetworkPolicy cannot contain names of hosts outside the cluster, so these are allowed by
 * port. `localhost` needs no rule.
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
  // never without a port: with a name of a host, such a rule would allow everything
  const port = match[3] === undefined ? (defaultPorts[(match[1] ?? '').toLowerCase()] ?? httpPort) : Number(match[3]);
  return [{ ...peerOf(host), ports: [{ protocol: 'TCP', port }] }];
}

function peerOf(host: string): Pick<EgressRule, 'to'> {
  if (/^\d+(\.\d+){3}$/.test(host)) return { to: [{ ipBlock: { cidr: `${host}/32` } }] };
  if (host.startsWith('[')) return { to: [{ ipBlock: { cidr: `${host.slice(1, -1)}/128` } }] };
  if (!host.includes('.')) return { to: [{ podSelector: {} }] };
  const namespace = /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(host)?.[1];
  if (namespace === undefined) return {};
  return { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }] };
}
