import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { JetStreamFlowState } from '../../../../runtime/adapters/jetstream/jetstream-flow-state';
import type { Part, Writer } from '../../../../runtime/engine/ports/flow-state';
import { ManualPublisher } from '../../../support/engine-ports';
import { matchesSubject } from '../../../support/memory-jetstream';

/** A server with one KV bucket, and streams with the last sequences that the test sets. */
class Server {
  readonly values = new Map<string, string>();
  readonly lastSequences: { [stream: string]: number } = {};
  /** Number of writes to each key, which is the revision. */
  private readonly revisions = new Map<string, number>();
  /** Called before a key is created. */
  beforeCreate: (key: string) => void = () => undefined;
  /** The server's code for a write that expects another one; a bucket with replicas has a second. */
  wrongSequence = 10_071;
  /** The next write of this key is stored, but its answer is lost. */
  loses: string | undefined;

  private readonly bucket = {
    get: async (key: string) => this.entry(key),
    put: async (key: string, value: string) => this.put(key, value),
    update: async (key: string, value: string, revision: number) => {
      if (revision <= 0) throw new Error('version must be greater than 0');
      if ((this.revisions.get(key) ?? 0) !== revision) throw wrongSequence(this.wrongSequence);
      this.put(key, value);
      this.answer(key);
      return this.revisions.get(key);
    },
    create: async (key: string, value: string) => {
      this.beforeCreate(key);
      if (this.values.has(key)) throw wrongSequence(this.wrongSequence);
      this.put(key, value);
      this.answer(key);
      return this.revisions.get(key);
    },
    history: async ({ key }: { key: string }) => this.keysBelow(key).map((each) => this.entry(each)),
  };

  readonly connection = {
    jetstream: () => ({ views: { kv: async () => this.bucket } }),
    jetstreamManager: async () => ({
      streams: {
        info: async (stream: string, options?: { subjects_filter: string }) => {
          const keys = this.keysBelow(options?.subjects_filter.replace('$KV.bucket.', '') ?? '');
          const subjects = Object.fromEntries(keys.map((key) => [`$KV.bucket.${key}`, 1]));
          return { state: { last_seq: this.lastSequences[stream] ?? 0, subjects } };
        },
        purge: async (_stream: string, { filter }: { filter: string }) => {
          for (const key of this.keysBelow(filter.replace('$KV.bucket.', ''))) this.values.delete(key);
        },
      },
    }),
  } as unknown as NatsConnection;

  put(key: string, value: string): void {
    this.values.set(key, value);
    this.revisions.set(key, (this.revisions.get(key) ?? 0) + 1);
  }

  private answer(key: string): void {
    if (key !== this.loses) return;
    this.loses = undefined;
    throw new NatsError('no answer', ErrorCode.Timeout);
  }

  private entry(key: string) {
    const value = this.values.get(key);
    const revision = this.revisions.get(key) ?? 0;
    return value === undefined
      ? null
      : { key, operation: 'PUT', revision, value: Buffer.from(value), string: () => value };
  }

  private keysBelow(pattern: string): string[] {
    return [...this.values.keys()].filter((key) => matchesSubject(pattern, key));
  }
}

function wrongSequence(code: number): NatsError {
  const description = 'wrong last sequence';
  return Object.assign(new NatsError(description, '400'), { api_error: { code: 400, err_code: code, description } });
}

const writer: Writer = { function: 'in', streams: ['main', 'side'] };
const part = (replica: number, replicas: number): Part => ({ replica, replicas });

let server: Server;
let state: JetStreamFlowState;

beforeEach(async () => {
  server = new Server();
  Object.assign(server.lastSequences, { main: 7, side: 3 });
  state = await JetStreamFlowState.of(server.connection, 'bucket');
});

const seals = () => Promise.all(writer.streams.map((stream) => state.sealedAt(stream)));

describe('a source', () => {
  test('has ended once each of its parts has, and its streams are sealed at their last sequences', async () => {
    await state.markPartEnded(writer, part(0, 2));
    expect([await seals(), await state.endedFunctions()]).toEqual([[undefined, undefined], []]);
    expect([await state.hasEnded(writer, part(0, 2)), await state.hasEnded(writer, part(1, 2))]).toEqual([true, false]);
    await state.markPartEnded(writer, part(1, 2));
    expect([await seals(), await state.endedFunctions()]).toEqual([[7, 3], ['in']]);
    expect(await state.hasEnded(writer, part(1, 2))).toBe(true);
  });

  test('has not ended by the half of another replica count', async () => {
    await state.markPartEnded(writer, part(0, 2));
    expect(await state.hasEnded(writer, part(0, 1))).toBe(false);
    await state.markPartEnded(writer, part(1, 3));
    expect(await seals()).toEqual([undefined, undefined]);
  });

  test('that was killed between two seals is sealed by the next replica', async () => {
    server.values.set('sealed.1.main', '5');
    expect(await state.hasEnded(writer, part(0, 9))).toBe(true);
    expect([await seals(), await state.endedFunctions()]).toEqual([[5, 3], ['in']]);
  });

  test('that was killed before the first seal is sealed by the next replica', async () => {
    server.values.set('ended.1.in.0', '{"replicas":1}');
    expect(await state.hasEnded(writer, part(0, 1))).toBe(true);
    expect(await seals()).toEqual([7, 3]);
  });
});

describe('a seal', () => {
  test.each([10_071, 10_164])('of another replica wins, where the server refuses a second with %s', async (code) => {
    server.wrongSequence = code;
    server.beforeCreate = (key) => server.put(key, '6');
    await state.markEnded(writer);
    expect(await seals()).toEqual([6, 6]);
  });

  test('is raised when its writer has run again, and written more', async () => {
    server.values.set('sealed.1.main', '5');
    server.values.set('sealed.1.side', '9');
    await state.markEnded(writer);
    expect(await seals()).toEqual([7, 9]);
  });

  test('that cannot be stored fails the call, and the writer has not ended', async () => {
    server.beforeCreate = () => {
      throw new NatsError('no permission', 'PERMISSIONS_VIOLATION');
    };
    await expect(state.markEnded(writer)).rejects.toThrow('no permission');
    expect(await state.endedFunctions()).toEqual([]);
  });

  test('is removed when its writer is reopened', async () => {
    await state.markPartEnded(writer, part(0, 1));
    await state.markEnded({ function: 'other', streams: ['else'] });
    await state.reopen([writer]);
    expect([await seals(), await state.endedFunctions()]).toEqual([[undefined, undefined], ['other']]);
    expect(await state.hasEnded(writer, part(0, 1))).toBe(false);
  });
});

describe('a run', () => {
  test('keeps its number until it has completed; in the next one nothing has ended', async () => {
    expect([await state.beginRun(), await state.beginRun()]).toEqual([1, 1]);
    await state.markEnded(writer);
    await state.markCompleted(1);
    expect([await state.beginRun(), await state.run()]).toEqual([2, 2]);
    expect([await seals(), await state.endedFunctions()]).toEqual([[undefined, undefined], []]);
    expect([...server.values.keys()].sort()).toEqual(['completed.1', 'run']);
  });
});

describe("a generator's position", () => {
  test('starts at 0, and continues where it was saved', async () => {
    const publisher = new ManualPublisher();
    const { start, save } = await state.position('in', 2, publisher);
    save(40);
    expect([start, publisher.sent]).toEqual([
      0,
      [{ subject: '$KV.bucket.position.1.in.2', id: '$KV.bucket.position.1.in.2:40', payload: Buffer.from('40') }],
    ]);
    server.values.set('position.1.in.2', '40');
    expect((await state.position('in', 2, publisher)).start).toBe(40);
  });
});

describe('notes of a listing', () => {
  test('are of the replica and the run, or of all runs, and are loaded again', async () => {
    const publisher = new ManualPublisher();
    const notes = await state.listing('in', part(1, 2), { ever: false, publisher });
    const saved = notes.save('end', Buffer.from('note'));
    publisher.store(0);
    await saved;
    const { subject = '', payload } = publisher.sent[0] ?? {};
    expect(subject).toBe('$KV.bucket.listed.1.in.2.1.end');
    server.values.set(subject.replace('$KV.bucket.', ''), String(payload));
    const load = async (ever: boolean, of: Part) =>
      (await state.listing('in', of, { ever, publisher })).load('end').then((value) => value && String(value));
    expect(await load(false, part(1, 2))).toBe('note');
    expect([await load(true, part(1, 2)), await load(false, part(0, 2))]).toEqual([undefined, undefined]);
  });

  test('that cannot be stored fail the call', async () => {
    const publisher = new ManualPublisher();
    const saved = (await state.listing('in', part(0, 1), { ever: true, publisher })).save('end', Buffer.of());
    publisher.refuse(0, new StoreError('stream-failed', 'no room'));
    await expect(saved).rejects.toThrow('no room');
  });
});

describe('a run of a flow without a controller', () => {
  const other = () => JetStreamFlowState.of(server.connection, 'bucket');
  const deadLetters = 'dead';

  test('begins with the first replica that enters it: no writer has ended, and old dead letters do not count', async () => {
    server.lastSequences[deadLetters] = 4;
    await state.markPartEnded(writer, part(0, 1));
    expect(await state.hasEnded(writer, part(0, 1))).toBe(true);
    await state.enterRun(2, deadLetters);
    expect([await state.run(), await state.hasEnded(writer, part(0, 1))]).toEqual([2, false]);
    expect(server.values.get('letters.2')).toBe('4');
    expect([...server.values.keys()].filter((key) => /^(ended|sealed)\.1\./.test(key))).toEqual([]);
  });

  test.each([2, 3])('begins without the marks of the one before, even if the answer is lost: run %i', async (run) => {
    if (run === 3) await state.enterRun(2, deadLetters);
    await state.markPartEnded(writer, part(0, 1));
    server.loses = 'run';
    await state.enterRun(run, deadLetters);
    expect(server.loses).toBeUndefined();
    expect([...server.values.keys()].filter((key) => /^(ended|sealed)\./.test(key))).toEqual([]);
  });

  test('is joined by the other replicas, which keep its marks and its count of dead letters', async () => {
    await state.enterRun(2, deadLetters);
    await state.markPartEnded(writer, part(0, 1));
    server.lastSequences[deadLetters] = 9;
    const joined = await other();
    await joined.enterRun(2, deadLetters);
    expect(await joined.hasEnded(writer, part(0, 1))).toBe(true);
    expect(server.values.get('letters.2')).toBe('0');
  });

  test('is begun once by replicas that start at the same time', async () => {
    const late = await other();
    server.beforeCreate = (key) => {
      if (key !== 'run') return;
      server.beforeCreate = () => undefined;
      server.put('run', '2');
      server.values.set('ended.2.in', '1');
    };
    await late.enterRun(2, deadLetters);
    expect([await late.run(), server.values.get('ended.2.in')]).toEqual([2, '1']);
  });

  test('is begun after a later one too, and again once by replicas that start at the same time', async () => {
    await state.enterRun(2, deadLetters);
    const [one, late] = [await other(), await other()];
    await Promise.all([one.enterRun(3, deadLetters), late.enterRun(3, deadLetters)]);
    expect([await one.run(), await late.run(), server.values.get('run')]).toEqual([3, 3, '3']);
  });

  test('that is over cannot be entered', async () => {
    await state.enterRun(3, deadLetters);
    await expect((await other()).enterRun(2, deadLetters)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('the flow is in run 3, and run 2 is over; set "run: 3" to continue it'),
    });
  });

  test.each<[string, () => Promise<void>]>([
    ['entered by its number', () => state.enterRun(1, deadLetters)],
    ['that was current at the start', () => state.keepRun()],
  ])('that ends while another begins marks nothing in the new one: %s', async (_title, start) => {
    await start();
    expect(await state.isRunOver()).toBe(false);
    const next = await other();
    await next.enterRun(2, deadLetters);
    await state.markPartEnded(writer, part(0, 1));
    expect(await state.isRunOver()).toBe(true);
    expect(await next.hasEnded(writer, part(0, 1))).toBe(false);
    expect(await next.sealedAt('main')).toBeUndefined();
  });
});

describe('an old and a new source side by side, with 1 and 2 replicas', () => {
  test.each([
    ['the old one ends first', [part(0, 1), part(0, 2), part(1, 2)]],
    ['the old one ends last', [part(0, 2), part(1, 2), part(0, 1)]],
    ['the old one ends between the new ones', [part(0, 2), part(0, 1), part(1, 2)]],
    ['the old one ends between the new ones in reverse', [part(1, 2), part(0, 1), part(0, 2)]],
  ])('seal the streams once all of one count have ended: %s', async (_title, ends) => {
    const isWhole = (ended: readonly Part[]) =>
      [1, 2].some((count) =>
        Array.from({ length: count }, (_, replica) => replica).every((replica) =>
          ended.some((each) => each.replicas === count && each.replica === replica),
        ),
      );
    for (const [index, each] of ends.entries()) {
      const sealedBefore = await state.sealedAt('main');
      await state.markPartEnded(writer, each);
      const sealed = await state.sealedAt('main');
      if (!isWhole(ends.slice(0, index + 1))) expect(sealed).toBeUndefined();
      if (sealedBefore !== undefined) expect(sealed).toBe(sealedBefore);
    }
    expect(await state.sealedAt('main')).toBe(7);
  });
});
