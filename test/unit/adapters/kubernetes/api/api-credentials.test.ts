import { KFlowError, StoreError } from '../../../../../lib/errors';
import { ApiCredentials } from '../../../../../runtime/adapters/kubernetes/api/api-credentials';
import type { LoadedKubeConfig } from '../../../../../runtime/adapters/kubernetes/api/load-kube-config';

const refusal = new StoreError('credentials-refused', 'Unauthorized');

/** A server that accepts one token, and a kubeconfig file with another one or the same. */
class Stage {
  accepted = 'one';
  onDisk = 'one';
  sent: string[] = [];
  changes: string[] = [];
  probes = 0;
  /** Probes wait for it. */
  probed: Promise<void> = Promise.resolve();
  readonly credentials = new ApiCredentials(this.config('one'), {
    listener: {
      refused: ({ message }) => this.changes.push(`refused: ${message}`),
      accepted: () => this.changes.push('accepted'),
    },
    probe: async () => {
      this.probes++;
      await this.probed;
      await this.call();
    },
  });

  call(): Promise<boolean> {
    const send = async () => {
      const token = this.credentials.target.context;
      this.sent.push(token);
      return token === this.accepted;
    };
    return this.credentials.run(send, (isAccepted) => (isAccepted ? undefined : refusal));
  }

  /** Its context is the token. */
  config(token: string): LoadedKubeConfig {
    const reload = async () => {
      if (this.onDisk === '') throw new KFlowError('config-invalid', 'no such file');
      return this.config(this.onDisk);
    };
    return { context: token, url: 'https://server', namespace: 'default', config: {} as never, reload };
  }
}

let stage: Stage;
beforeEach(() => {
  jest.useFakeTimers();
  stage = new Stage();
});
afterEach(() => {
  stage.credentials.close();
  jest.useRealTimers();
});

test('a call that is refused is sent again with the credentials on disk', async () => {
  [stage.accepted, stage.onDisk] = ['two', 'two'];
  expect(await stage.call()).toBe(true);
  expect(stage.sent).toEqual(['one', 'two']);
  expect(stage.changes).toEqual([]);
});

test('a refusal of fresh credentials is reported once, and probed until they are accepted', async () => {
  stage.accepted = 'two';
  expect(await stage.call()).toBe(false);
  await stage.call();
  await jest.advanceTimersByTimeAsync(3_000);
  expect(stage.probes).toBe(3);
  expect(stage.changes).toEqual(['refused: Unauthorized']);
  stage.onDisk = 'two';
  await jest.advanceTimersByTimeAsync(10_000);
  expect(stage.probes).toBe(4);
  expect(stage.changes).toEqual(['refused: Unauthorized', 'accepted']);
});

test('credentials that are refused again during a slow probe are probed no more often than before', async () => {
  let answer: () => void = () => undefined;
  stage.probed = new Promise((resolve) => {
    answer = resolve;
  });
  stage.accepted = 'two';
  await stage.call();
  await jest.advanceTimersByTimeAsync(1_000);
  stage.accepted = 'one';
  await stage.call();
  stage.accepted = 'two';
  await stage.call();
  answer();
  await jest.advanceTimersByTimeAsync(3_000);
  expect(stage.probes).toBe(4);
});

test('credentials stay in use while their file is being replaced', async () => {
  [stage.accepted, stage.onDisk] = ['two', ''];
  expect(await stage.call()).toBe(false);
  stage.accepted = 'one';
  expect(await stage.call()).toBe(true);
});

test('calls that are refused at the same time read the credentials once', async () => {
  [stage.accepted, stage.onDisk] = ['two', 'two'];
  expect(await Promise.all([stage.call(), stage.call(), stage.call()])).toEqual([true, true, true]);
  expect(stage.sent).toEqual(['one', 'one', 'one', 'two', 'two', 'two']);
});

test('credentials that cannot be loaded count as refused, and any other error does not', async () => {
  const failing = (error: Error) =>
    stage.credentials.run(
      async () => {
        throw error;
      },
      () => undefined,
    );
  await expect(failing(new Error('unreachable'))).rejects.toThrow('unreachable');
  expect(stage.changes).toEqual([]);
  await expect(failing(new StoreError('credentials-refused', 'the plugin failed'))).rejects.toThrow(
    'the plugin failed',
  );
  expect(stage.changes).toEqual(['refused: the plugin failed']);
});
