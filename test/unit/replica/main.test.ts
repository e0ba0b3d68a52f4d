import { ConfigError, StoreError } from '../../../lib/errors';
import { exitCodeOf } from '../../../runtime/replica/main';

test.each([
  [0, 'has processed all input of a batch', { mode: 'batch', end: { is: 'done' } } as const],
  [
    143,
    'is stopped before the end of a batch, so that its Job does not complete',
    { mode: 'batch', end: { is: 'stopped' } } as const,
  ],
  [0, 'is stopped in stream mode', { mode: 'stream', end: { is: 'stopped' } } as const],
  [
    65,
    'has processed all input of a batch and gave up on records, which a restart cannot help',
    { mode: 'batch', end: { is: 'incomplete', reason: '1 record in the dead letters' } } as const,
  ],
  [143, 'must start again because its input was recreated', { mode: 'batch', end: { is: 'outdated' } } as const],
  [1, 'fails', { error: new StoreError('stream-failed', 'no response') }],
  [1, 'fails with a value that is not an error', { error: 'no response' }],
  [
    78,
    'has a wrong configuration, which a restart cannot help',
    { error: new ConfigError('config-invalid', 'no spec') },
  ],
  [
    1,
    'is refused at nats, because a restarted pod has the newest content of its Secrets',
    { error: new ConfigError('login-failed', 'refused') },
  ],
])('exits with %i when it %s', (code, _, end) => {
  expect(exitCodeOf(end)).toBe(code);
});
