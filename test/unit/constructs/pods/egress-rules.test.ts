import { egressRules } from '../../../../lib/constructs/pods/egress-rules';
import { natsAddresses } from '../../../../lib/plan/nats-access';

const tcp = (port: number) => ({ ports: [{ protocol: 'TCP', port }] });
const inNamespace = (name: string) => ({
  to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } }],
});

test.each([
  ['minio.default.svc:9000', { ...inNamespace('default'), ...tcp(9000) }],
  ['nats://nats.nats.svc.cluster.local:4222', { ...inNamespace('nats'), ...tcp(4222) }],
  ['nats://nats.nats.svc', { ...inNamespace('nats'), ...tcp(4222) }],
  ['minio:9000', { to: [{ podSelector: {} }], ...tcp(9000) }],
  ['192.168.100.237:32657', { to: [{ ipBlock: { cidr: '192.168.100.237/32' } }], ...tcp(32657) }],
  ['[fd00::1]:9000', { to: [{ ipBlock: { cidr: 'fd00::1/128' } }], ...tcp(9000) }],
  ['https://s3.example.org', tcp(443)],
  ['host.docker.internal:9000', tcp(9000)],
  ['s3.example.org', tcp(80)],
  ['minio', { to: [{ podSelector: {} }], ...tcp(80) }],
  ['other://s3.example.org', tcp(80)],
])('allows egress to %s', (address, rule) => {
  expect(egressRules([address])[1]).toEqual(rule);
});

test('takes the port of nats where a server has no scheme and no port', () => {
  const rules = egressRules(natsAddresses('nats.example.org, tls://other.nats.svc,10.0.0.1:5222'));
  expect(rules.slice(1)).toEqual([
    tcp(4222),
    { ...inNamespace('nats'), ...tcp(4222) },
    { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ...tcp(5222) },
  ]);
});

test('allows DNS, skips loopback addresses and removes duplicates', () => {
  const rules = egressRules(['localhost:9000', 'http://127.0.0.1:1', 'a.b.svc:1', 'http://a.b.svc:1, a.b.svc:2']);
  expect(rules).toHaveLength(3);
  expect(rules[0]?.ports?.map(({ port }) => port)).toEqual([53, 53]);
});
