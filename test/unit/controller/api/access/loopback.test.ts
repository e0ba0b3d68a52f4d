import { isLoopback } from '../../../../../runtime/controller/api/access/loopback';

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.1', '::1', '[::1]', '::ffff:127.0.0.1'])(
  '%s is loopback',
  (host) => expect(isLoopback(host)).toBe(true),
);

test.each(['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', '::2', '::ffff:10.0.0.1', 'localhost.example', 'example', ''])(
  '"%s" is not loopback',
  (host) => expect(isLoopback(host)).toBe(false),
);
