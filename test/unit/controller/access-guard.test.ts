import { AccessGuard } from '../../../runtime/controller/access-guard';

const refusal = new Error('Unauthorized');

/** A guard with the calls that its worker got. */
function guarded() {
  const calls: string[] = [];
  const guard = new AccessGuard(() => undefined, 20_000);
  guard.protect({ suspend: () => calls.push('suspend'), resume: () => calls.push('resume') });
  return { guard, calls };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('suspends the worker from the first refusal until every server accepts the credentials', () => {
  const { guard, calls } = guarded();
  const [kubernetes, nats] = [guard.watch('Kubernetes'), guard.watch('NATS')];
  kubernetes.refused(refusal);
  kubernetes.refused(refusal);
  nats.refused(refusal);
  expect(guard.refusals).toEqual([
    'Kubernetes refuses the credentials: Unauthorized',
    'NATS refuses the credentials: Unauthorized',
  ]);
  kubernetes.accepted();
  expect(calls).not.toContain('resume');
  nats.accepted();
  expect(calls.at(-1)).toBe('resume');
  expect(guard.refusals).toEqual([]);
});

test('suspends a worker that starts after the refusal', () => {
  const guard = new AccessGuard(() => undefined);
  guard.watch('Kubernetes').refused(refusal);
  const suspend = jest.fn();
  guard.protect({ suspend, resume: jest.fn() });
  expect(suspend).toHaveBeenCalledTimes(1);
  guard.close();
});

test('gives up when a server has refused for the grace time, and not when it accepted meanwhile', async () => {
  const { guard } = guarded();
  const lost = jest.fn();
  void guard.lost.then(lost);
  guard.watch('NATS').refused(refusal);
  await jest.advanceTimersByTimeAsync(19_000);
  guard.watch('NATS').accepted();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(lost).not.toHaveBeenCalled();
  guard.watch('NATS').refused(refusal);
  await jest.advanceTimersByTimeAsync(20_000);
  expect(lost).toHaveBeenCalledWith('NATS refuses the credentials: Unauthorized');
});
