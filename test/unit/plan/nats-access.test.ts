import { natsDomainOf, natsFaults, natsServers } from '../../../lib/plan/nats-access';

test.each([
  ['nats://nats.nats.svc', [{ url: 'nats://nats.nats.svc', host: 'nats.nats.svc', port: 4222, isTls: false }]],
  [
    'NATS://a:5222/, TLS://b',
    [
      { url: 'NATS://a:5222', host: 'a', port: 5222, isTls: false },
      { url: 'TLS://b', host: 'b', port: 4222, isTls: true },
    ],
  ],
  ['127.0.0.1:4223', [{ url: '127.0.0.1:4223', host: '127.0.0.1', port: 4223, isTls: false }]],
  ['tls://[::1]:4223', [{ url: 'tls://[::1]:4223', host: '::1', port: 4223, isTls: true }]],
])('%s is the URL of servers', (url, servers) => {
  expect(natsServers(url)).toEqual(servers);
});

test.each([
  'nats://me:hunter2@nats:4222',
  'nats://hunter2@nats:4222',
  'nats://a:4222,nats://me:hunter2@b:4222',
  'me:hunter2@nats',
  'nats://me:hunt@er2/x@nats:4222',
])('a user or password in a URL is refused and not shown: %s', (url) => {
  expect(() => natsServers(url, 'nats.url')).toThrow(
    expect.objectContaining({ code: 'secret-exposed', message: expect.not.stringContaining('hunt') }),
  );
  expect(() => natsServers(url, 'nats.url')).toThrow(/^nats\.url: contains .* user, password, token$/);
});

test.each([
  ['nats://a:4222,', 'got nothing'],
  ['http://a:4222', 'the scheme http:// is not supported'],
  ['ws://a:4222', 'the scheme ws:// is not supported'],
  ['nats://a:4222,nats://b:4222?token=hunter2', 'got server 2 of 2 (it has a path or a query)'],
  ['nats://a/hunter2', 'got server 1 of 1 (it has a path or a query)'],
  ['nats://a:4222,nats://b:65536', 'got server 2 of 2 (its port is above 65535, or its host is no name)'],
])('%s is no URL of servers', (url, text) => {
  expect(() => natsServers(url)).toThrow(text);
  expect(() => natsServers(url)).not.toThrow(/hunter2/);
});

test('a domain is one token of a subject', () => {
  expect(natsDomainOf('hub-1')).toBe('hub-1');
  for (const domain of ['', 'a.b', 'a*', '>', 'a b']) expect(() => natsDomainOf(domain)).toThrow('want one word');
});

test('the faults of URLs and domains have the names of their options', () => {
  const faults = natsFaults({
    urls: { url: 'ws://a', other: undefined },
    domains: { domain: 'a.b' },
  });
  expect(faults).toEqual([
    expect.stringMatching(/^url: .*ws:\/\/ is not supported\)$/),
    expect.stringMatching(/^domain: want one word/),
  ]);
});
