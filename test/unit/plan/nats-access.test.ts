import { natsDomainOf, natsServers } from '../../../lib/plan/nats-access';

test.each([
  ['nats://nats.nats.svc:4222', ['nats://nats.nats.svc:4222']],
  ['nats://a:4222, tls://b', ['nats://a:4222', 'tls://b']],
  ['127.0.0.1:4222', ['127.0.0.1:4222']],
  ['tls://[::1]:4222', ['tls://[::1]:4222']],
])('%s is the URLs of servers', (url, servers) => {
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
  ['nats://a:4222,nats://b:4222?token=hunter2', 'got server 2 of 2'],
  ['nats://a/hunter2', 'got server 1 of 1'],
  ['nats://a:4222,nats://b:65536', 'got server 2 of 2'],
])('%s is no URL of servers', (url, text) => {
  expect(() => natsServers(url)).toThrow(text);
  expect(() => natsServers(url)).not.toThrow(/hunter2/);
});

test('a domain is one token of a subject', () => {
  expect(natsDomainOf('hub-1')).toBe('hub-1');
  for (const domain of ['', 'a.b', 'a*', '>', 'a b']) expect(() => natsDomainOf(domain)).toThrow('want one word');
});
