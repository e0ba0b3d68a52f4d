import { ConfigError, StoreError } from '../../../lib/errors';
import { exitCodeOf } from '../../../runtime/replica/main';

test.each([
  [0, 'has processed all input of a batch', { mode: 'batch', isStopped: false } as const],
  [
    143,
    'is stopped before the end of a batch, so that its Job does not complete',
    { mode: 'batch', isStopped: true } as const,
  ],
  [0, 'is stopped in stream mode', { mode: 'stream', isStopped: true } as const],
  [1, 'fails', { error: new StoreError('stream-failed', 'no response') }],
  [1, 'fails with a value that is not an error', { error: 'no response' }],
  [
    78,
    'has a wrong configuration, which a restart cannot help',
    { error: new ConfigError('config-invalid', 'no spec') },
  ],
])('exits with %i when it %s', (code, _, end) => {
  expect(exitCodeOf(end)).toBe(code);
});
