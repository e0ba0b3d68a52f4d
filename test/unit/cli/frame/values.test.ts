import { ConfigError } from '../../../../lib/errors';
import {
  BadValue,
  badValueMessage,
  durationMs,
  functionReplicas,
  httpUrl,
  jobTtl,
  keyValue,
  listOption,
  names,
  natsUrls,
  option,
  port,
  replayStart,
  roleMapping,
  text,
  wholeNumber,
} from '../../../../runtime/cli/frame/values';

test.each([
  ['30', 30_000],
  ['0.3', 300],
  ['250ms', 250],
  ['90s', 90_000],
  ['1.5m', 90_000],
  ['1h', 3_600_000],
])('the duration %s is %p ms', (text, ms) => {
  expect(durationMs()(text)).toBe(ms);
});

test('a duration is at most as long as a timer of Node runs', () => {
  expect(() => durationMs()('25d')).toThrow('want at most 24d');
  expect(jobTtl('25d')).toBe(2_160_000);
});

test.each([
  ['first', 'first'],
  ['17', { sequence: 17 }],
  ['2026-01-31T09:00:00+01:00', { time: '2026-01-31T08:00:00.000Z' }],
])('a replay starts at %s', (text, start) => {
  expect(replayStart(text)).toEqual(start);
});

test('reads pairs, addresses and names', () => {
  expect(functionReplicas('map=3')).toEqual(['map', 3]);
  expect(keyValue('NAME=DIR')('docs=./a=b')).toEqual(['docs', './a=b']);
  expect(roleMapping('group=a=admin')).toEqual(['group=a', 'admin']);
  expect(httpUrl('https://flows.example.org/')).toBe('https://flows.example.org');
  expect(natsUrls('nats://a:4222,tls://b:4222')).toBe('nats://a:4222,tls://b:4222');
  expect(names('a, b')).toEqual(['a', 'b']);
  expect(durationMs({ isZeroFine: true })('0')).toBe(0);
});

test.each([
  ['ftp://me:hunter2@host', 'ftp://***@host'],
  ['nats://me:hun/ter2@host:4222/x', 'nats://***@host:4222/x'],
  ['me:hunter2@host', '***@host'],
])('hides the credentials in the message of the bad address %s', (address, shown) => {
  expect(badValueMessage('--url', new BadValue('want host:port'), address)).toBe(
    `--url: want host:port, got "${shown}"`,
  );
});

test.each(['', ' '])('refuses the empty text %j, as of a shell variable that is not set', (value) => {
  expect(() => option('<dir>', 'directory', { parse: text }).read([value])).toThrow('want a value');
});

test('names the value that is bad among several', () => {
  const ports = listOption('<port>', 'ports', { parse: port });
  expect(() => ports.read(['1', 'x', '2'])).toThrow(expect.objectContaining({ value: 'x' }));
  expect(() => option('<port>', 'port', { parse: port }).read(['1', 'x'])).toThrow(
    expect.objectContaining({ value: 'x' }),
  );
});

test.each(['https://me:hunter2@host', 'https://hunter2@host:9080/'])(
  'refuses the address %s, which would be shown in messages',
  (address) => {
    expect(() => httpUrl(address)).toThrow('want http://host:port without a user and password');
  },
);

test.each(['http://a:4222', 'nats://a:65536', 'nats://a:4222/x', 'me:hunter2@a'])(
  'refuses %s as addresses of NATS',
  (urls) => {
    expect(() => natsUrls(urls)).toThrow(ConfigError);
  },
);

test('the advice of a bad value follows the value', () => {
  const bad = new BadValue('want FUNCTION=N', 'to stop a function, use kflow pause --function');
  expect(badValueMessage('function=n', bad, 'map=0')).toBe(
    'function=n: want FUNCTION=N, got "map=0"; to stop a function, use kflow pause --function',
  );
});

test.each<[string, (text: string) => unknown, string, string]>([
  ['a duration', durationMs(), '0', 'want a duration in seconds, or with a unit, as in 90s or 5m'],
  ['a duration', durationMs(), '5 minutes', 'want a duration'],
  ['a port', port, '65536', 'want a port from 1 to 65535'],
  ['a port', port, '1e3', 'want a port'],
  ['a revision', wholeNumber(1), '0', 'want a whole number, 1 or more'],
  ['replicas', functionReplicas, 'map=0', 'want FUNCTION=N, as in map=3'],
  ['replicas', functionReplicas, 'map', 'want FUNCTION=N'],
  ['a start', replayStart, '0', 'want first, a sequence'],
  ['a start', replayStart, 'yesterday', 'want first'],
  ['a start', replayStart, '2026-99-99', 'want first'],
  ['a pair', keyValue('NAME=DIR'), 'docs=', 'want NAME=DIR'],
  ['a role', roleMapping, 'ops=root', 'VALUE=admin'],
  ['an address', httpUrl, 'localhost:9080', 'want http://host:port'],
  ['names', names, 'a,,b', 'want names separated by commas'],
])('rejects as %s: %p %s', (_, parse, text, message) => {
  expect(() => parse(text)).toThrow(BadValue);
  expect(() => parse(text)).toThrow(message);
});
