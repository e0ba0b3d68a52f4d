import type { FlowRecord } from '../../runtime/controller/flows/ports/flow-record';
import type { FlowEvent, FlowStore } from '../../runtime/controller/flows/ports/flow-store';
import { waitFor } from '../support/wait-for';

const at = '2026-01-01T00:00:00.000Z';

function recordOf(namespace: string, jobId: string, runId = '1'): FlowRecord {
  return { namespace, jobId, revisions: [], epochs: {}, runId, startTime: at };
}

function eventOf(namespace: string, id: string, fields: Partial<FlowEvent> = {}): FlowEvent {
  return { namespace, jobId: 'job', id: `${namespace}-${id}`, at, kind: 'audit', what: 'submit', ...fields };
}

async function idsOf(events: Promise<readonly FlowEvent[]>): Promise<string[]> {
  return (await events).map(({ id }) => id.replace(/^.*-/, ''));
}

/** Tests that every `FlowStore` passes. Each test has its own namespace. */
export function describeFlowStore(name: string, open: () => Promise<FlowStore>): void {
  describe(name, () => {
    let store: FlowStore;
    let count = 0;
    let namespace: string;

    beforeAll(async () => {
      store = await open();
    });
    beforeEach(() => {
      namespace = `contract${++count}`;
    });

    describe('documents', () => {
      it('are returned by digest, whatever their size and encoding', async () => {
        const flow = { namespace, jobId: 'job' };
        const texts = ['', 'jobId: jób\n', 'é'.repeat(3_000_000)];
        const digests = await Promise.all(texts.map((text) => store.putDocument(flow, text)));
        expect(await Promise.all(digests.map((digest) => store.document(flow, digest)))).toEqual(texts);
        expect(digests).toEqual(texts.map(() => expect.stringMatching(/^[0-9a-f]{32}$/)));
        expect(new Set(digests).size).toBe(texts.length);
      });

      it('with equal texts have equal digests and are stored once', async () => {
        const flow = { namespace, jobId: 'job' };
        const digest = await store.putDocument(flow, 'text');
        expect(await store.putDocument(flow, 'text')).toBe(digest);
        await store.removeDocuments(flow, [digest]);
        await expect(store.document(flow, digest)).rejects.toMatchObject({ code: 'document-missing' });
      });

      it('belong to one flow', async () => {
        const [flow, other, longer] = ['job', 'job2', 'job-2'].map((jobId) => ({ namespace, jobId }));
        if (flow === undefined || other === undefined || longer === undefined) throw new Error('three flows');
        const digests = await Promise.all([flow, other, longer].map((each) => store.putDocument(each, each.jobId)));
        await expect(store.document(flow, digests[1] ?? '')).rejects.toMatchObject({ code: 'document-missing' });
        await store.removeDocuments(flow);
        expect(await store.document(other, digests[1] ?? '')).toBe('job2');
        expect(await store.document(longer, digests[2] ?? '')).toBe('job-2');
      });

      it('are removed by digest or all at once, any number of times, and can be stored again', async () => {
        const flow = { namespace, jobId: 'job' };
        const [first, second] = await Promise.all(['first', 'second'].map((text) => store.putDocument(flow, text)));
        const digests = [first ?? '', 'f'.repeat(32)];
        await store.removeDocuments(flow, digests);
        await store.removeDocuments(flow, digests);
        await expect(store.document(flow, first ?? '')).rejects.toMatchObject({ code: 'document-missing' });
        expect(await store.document(flow, second ?? '')).toBe('second');
        await store.removeDocuments(flow);
        await store.removeDocuments(flow);
        await expect(store.document(flow, second ?? '')).rejects.toMatchObject({ code: 'document-missing' });
        expect(await store.document(flow, await store.putDocument(flow, 'first'))).toBe('first');
      });
    });

    describe('records', () => {
      it('are sorted by name, of one namespace or of all', async () => {
        const records = ['b.x', 'a.y', 'a.x', 'aa.x'].map((key) => {
          const [suffix = '', jobId = ''] = key.split('.');
          return recordOf(`${namespace}-${suffix}`, jobId);
        });
        for (const record of records) await store.saveRecord(record);
        const own = (found: readonly FlowRecord[]) =>
          found
            .filter((record) => record.namespace.startsWith(`${namespace}-`))
            .map((record) => `${record.namespace.slice(namespace.length + 1)}.${record.jobId}`);
        expect(own(await store.records(`${namespace}-a`))).toEqual(['a.x', 'a.y']);
        expect(own(await store.records())).toEqual(['a.x', 'a.y', 'aa.x', 'b.x']);
        expect(await store.records(`${namespace}-nobody`)).toEqual([]);
      });

      it('are the last ones saved, with every field', async () => {
        const flow = { namespace, jobId: 'job' };
        expect(await store.record(flow)).toBeUndefined();
        const record: FlowRecord = {
          ...recordOf(namespace, 'job', '2'),
          revisions: [{ number: 1, digest: 'd', at, by: 'eva', cause: 'submit', comment: 'jób', isProven: true }],
          epochs: { map: 3 },
          rewinds: [{ function: 'map', start: { from: 'sequence', sequence: 7 }, isOfUpdate: true }],
          closed: { status: 'Stopped', closeTime: at, reason: 'because' },
        };
        await store.saveRecord(recordOf(namespace, 'job'));
        await store.saveRecord(record);
        expect(await store.record(flow)).toEqual(record);
        expect(await store.records(namespace)).toEqual([record]);
      });
    });

    describe('events', () => {
      it('are none in a new log', async () => {
        expect(await store.events({ namespace }, { limit: 1 })).toEqual([]);
        expect(await store.events({ namespace })).toEqual([]);
      });

      it('are the latest of a flow, a namespace or all, oldest first', async () => {
        const of = { namespace, jobId: 'one' };
        for (const id of ['a', 'b', 'c']) await store.addEvent(eventOf(namespace, id, of));
        await store.addEvent(eventOf(namespace, 'd', { jobId: 'two', kind: 'phase', what: 'Running' }));
        await store.addEvent(eventOf(`${namespace}x`, 'e'));
        expect(await idsOf(store.events(of))).toEqual(['a', 'b', 'c']);
        expect(await idsOf(store.events({ namespace }, { limit: 2 }))).toEqual(['c', 'd']);
        expect(await idsOf(store.events({ namespace }, { kind: 'phase' }))).toEqual(['d']);
        expect(await idsOf(store.events({ namespace }, { kind: 'audit', limit: 2 }))).toEqual(['b', 'c']);
        expect(await idsOf(store.events({}, { limit: 1 }))).toEqual(['e']);
        expect(await store.events({ namespace: `${namespace}-nobody` }, { limit: 5 })).toEqual([]);
      });

      it('with an id that was added before are ignored', async () => {
        const event = eventOf(namespace, 'a', { by: 'eva', comment: 'jób', message: 'why' });
        for (let time = 0; time < 2; time++) await store.addEvent(event);
        expect(await store.events({ namespace })).toEqual([event]);
      });

      it('are followed from the call on, each once, until the signal is aborted', async () => {
        await store.addEvent(eventOf(namespace, 'before'));
        const abort = new AbortController();
        const added = await store.followEvents({ namespace }, abort.signal);
        // added before the first read: no event may be lost between the call and the read
        await store.addEvent(eventOf(namespace, 'one'));
        await store.addEvent(eventOf(`${namespace}x`, 'foreign'));
        const seen: string[] = [];
        const following = (async () => {
          for await (const { id } of added) seen.push(id.replace(/^.*-/, ''));
        })();
        await waitFor('the first event', () => seen.length === 1);
        for (const id of ['one', 'two', 'three']) await store.addEvent(eventOf(namespace, id));
        await waitFor('all events', () => seen.length === 3);
        abort.abort();
        await following;
        expect(seen).toEqual(['one', 'two', 'three']);
      });
    });

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
