import { readTopology } from '../../../../lib/topology/read-topology';

const problemsOf = (addr: string) => {
  const sideStream = { enabled: true, addr, errorTopics: 'errors.all' };
  const dag = [{ id: 'in', type: 'raw-source', schema: { type: 'record', name: 'n', fields: [] }, image: 'i:1' }];
  return readTopology(JSON.stringify({ jobId: 'j', globalConfig: { sideStream }, dag }), {
    file: 'j',
    defaultJobId: 'j',
  })
    .problems.filter(({ path }) => path.includes('sideStream'))
    .map(({ message }) => message);
};

test.each(['nats://a:4222', 'a.b.svc', '10.0.0.1:4222', 'tls://a, tls://b:1', 'nats://[::1]:4222/'])(
  'errors may be published at %s',
  (addr) => expect(problemsOf(addr)).toEqual([]),
);

test.each(['http://a:80', 'wss://a', 'nats://a:4222/path'])('%s is no address of nats', (addr) => {
  expect(problemsOf(addr)).toEqual([
    `must be nats://host:4222 or tls://host:4222, or several separated by commas; got "${addr}"`,
  ]);
});
