import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamFlowStore } from '../../../runtime/adapters/jetstream/flow-store/jetstream-flow-store';
import type { FlowRecord } from '../../../runtime/controller/flows/ports/flow-record';
import type { FlowEvent } from '../../../runtime/controller/flows/ports/flow-store';
import { testKey } from '../../support/installation';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let store: JetStreamFlowStore;
const key = testKey();

beforeAll(async () => {
  place = await JetStreamPlace.start();
  store = await JetStreamFlowStore.open(place.connection, { replicas: 1, key });
});
afterAll(() => place.close());

function recordOf(namespace: string, jobId: string, runId = '1'): FlowRecord {
  return { namespace, jobId, revisions: [], epochs: {}, runId, startTime: '2026-01-01T00:00:00.000Z' };
}

function eventOf(id: string, of: Partial<FlowEvent> = {}): FlowEvent {
  const at = '2026-01-01T00:00:00.000Z';
  return { namespace: 'default', jobId: 'job', id, at, kind: 'audit', what: 'submit', ...of };
}

async function idsOf(events: Promise<readonly FlowEvent[]>): Promise<string[]> {
  return (await events).map(({ id }) => id);
}

describe('documents', () => {
  const flow = { namespace: 'documents', jobId: 'job' };

  test('leave no chunks behind when they are removed', async () => {
    const large = await store.putDocument(flow, 'é'.repeat(300_000));
    const other = { namespace: 'documents', jobId: 'job2' };
    await store.putDocument(flow, 'small');
    const kept = await store.putDocument(other, 'other');
    await store.removeDocuments(flow, [large]);
    await store.removeDocuments(flow);
    expect(await store.document(other, kept)).toBe('other');
    await store.removeDocuments(other);
    expect(await place.count('OBJ_kflow_documents')).toBe(0);
  });

  test('that are missing are named in the error', async () => {
    await expect(store.document(flow, 'f'.repeat(32))).rejects.toMatchObject({
      code: 'document-missing',
      message: expect.stringContaining(`documents/job has no document ${'f'.repeat(32)}`),
    });
  });
});

describe('records', () => {
  test('are visible as soon as they are saved, to this controller and to others', async () => {
    const connection = await connectNats({ url: place.url }, 'another');
    const another = await JetStreamFlowStore.open(connection, { replicas: 1, key });
    for (let time = 0; time < 20; time++) {
      const [one, two] = [store, another].map((each, index) => ({
        each,
        record: recordOf('seen', `job${index}`, `${time}`),
      }));
      await Promise.all([one, two].map((writer) => writer?.each.saveRecord(writer.record)));
      const both = [one?.record, two?.record];
      expect(await Promise.all([store.records('seen'), another.records('seen'), store.records('seen')])).toEqual([
        both,
        both,
        both,
      ]);
    }
    await connection.close();
  });

  test('of 300 flows are read without a request for each', async () => {
    const records = Array.from({ length: 300 }, (_, index) => recordOf('many', `job${String(index).padStart(3, '0')}`));
    await Promise.all(records.map((record) => store.saveRecord(record)));
    const fresh = await JetStreamFlowStore.open(place.connection, { replicas: 1, key });
    expect(await fresh.records('many')).toEqual(records);
    const sent = place.connection.stats().outMsgs;
    expect(await fresh.records('many')).toHaveLength(300);
    expect(place.connection.stats().outMsgs - sent).toBeLessThan(10);
  });

  test('are read and saved across a kill of the server', async () => {
    await store.saveRecord(recordOf('killed', 'job', '1'));
    const restarted = place.restart('SIGKILL');
    const saved = store.saveRecord(recordOf('killed', 'job', '2'));
    expect(await store.records('killed')).toHaveLength(1);
    await Promise.all([restarted, saved]);
    expect(await store.records('killed')).toEqual([recordOf('killed', 'job', '2')]);
  });
});

describe('events', () => {
  test('are found far back among those of other flows', async () => {
    const rare = { namespace: 'rare', jobId: 'job' };
    for (const id of ['first', 'second']) await store.addEvent(eventOf(id, rare));
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.addEvent(eventOf(`frequent-${index}`))));
    expect(await idsOf(store.events(rare, { limit: 1 }))).toEqual(['second']);
    expect(await idsOf(store.events({ namespace: 'default' }, { limit: 100 }))).toHaveLength(100);
  });

  test('are followed from the call on, each once, across a kill of the server', async () => {
    const of = { namespace: 'followed', jobId: 'job' };
    await store.addEvent(eventOf('before', of));
    const end = new AbortController();
    const followed = await store.followEvents({ namespace: 'followed' }, end.signal);
    const heard: string[] = [];
    const reading = (async () => {
      for await (const { id } of followed) heard.push(id);
    })();
    await store.addEvent(eventOf('one', of));
    await waitFor('the first is heard', () => heard.length === 1);
    await place.restart('SIGKILL');
    await store.addEvent(eventOf('two', of));
    await store.addEvent(eventOf('one', of));
    await store.addEvent(eventOf('three', of));
    await waitFor('all are heard', () => heard.length === 3);
    expect(heard).toEqual(['one', 'two', 'three']);
    end.abort();
    await reading;
  });
});

test('a ping fails without the server', async () => {
  const connection = await connectNats({ url: place.url }, 'closed');
  const other = await JetStreamFlowStore.open(connection, { replicas: 1, key });
  await connection.close();
  await expect(other.ping()).rejects.toMatchObject({ code: 'stream-failed' });
});
