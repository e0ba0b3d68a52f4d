import { KFlowError } from '../../lib/errors';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import type { FlowService } from '../../runtime/controller/flows/ports/flow-service';
import { chainTopology } from '../support/chain-topology';
import { waitFor } from '../support/wait-for';

const eva = { by: 'eva', comment: 'because' };
const first = JSON.stringify(chainTopology({ meta: { update: true } }));
const second = JSON.stringify(chainTopology({ meta: { update: true, restart: true } }));

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

/** Methods that do not fail for an unknown flow. */
type NeedsNoFlow = 'letters' | 'steps' | 'submit' | 'list' | 'events' | 'followEvents' | 'logs' | 'whyNotReady';

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error) => (error instanceof KFlowError ? error.code : String(error)),
  );
}

/** Tests that every `FlowService` passes. Each test has its own flow, whose replicas are ready at once. */
export function describeFlowService(name: string, open: () => Promise<{ readonly service: FlowService }>): void {
  describe(name, () => {
    let service: FlowService;
    let count = 0;
    let flow: FlowKey;

    beforeAll(async () => {
      ({ service } = await open());
    });
    beforeEach(() => {
      flow = { namespace: 'contract', jobId: `flow-${++count}` };
    });

    const reached = (holds: (status: FlowStatus) => boolean) =>
      waitFor(`${flowName(flow)} to meet ${holds}`, () => service.status(flow), holds);
    const in_ = (phase: FlowStatus['status']) => reached(({ status }) => status === phase);
    const submitted = async () => {
      await service.submit(flow, first, eva);
      await reached(({ status, health }) => status === 'Running' && health.state === 'healthy');
    };

    it('starts a flow, ignores the same document, and rejects another one', async () => {
      expect(await service.submit(flow, first, eva)).toMatchObject({
        outcome: 'started',
        status: { ...flow, status: 'Running', closeTime: null, revision: 1 },
      });
      expect(await service.submit(flow, first, eva)).toMatchObject({ outcome: 'unchanged' });
      await expect(service.submit(flow, second, eva)).rejects.toMatchObject({ code: 'flow-exists' });
    });

    it('rejects a document with problems, and starts nothing', async () => {
      const broken = JSON.stringify({ dag: [{ id: 'a', type: 'raw', out: ['b'] }] });
      await expect(service.submit(flow, broken, eva)).rejects.toMatchObject({ name: 'TopologyError' });
      await expect(service.status(flow)).rejects.toMatchObject({ code: 'flow-missing' });
    });

    it('reports an unknown flow', async () => {
      const { signal } = new AbortController();
      const calls = {
        status: () => service.status(flow),
        pause: () => service.pause(flow, [], eva),
        resume: () => service.resume(flow, [], eva),
        restart: () => service.restart(flow, [], eva),
        scale: () => service.scale(flow, { map: 2 }, eva),
        replay: () => service.replay(flow, { function: 'map', from: 'first' }, eva),
        rollback: () => service.rollback(flow, undefined, eva),
        update: () => service.update(undefined, JSON.stringify({ ...JSON.parse(first), ...flow }), eva),
        end: () => service.end(flow, 'stop', eva),
        history: () => service.history(flow),
        document: () => service.document(flow),
        diff: () => service.diff(flow, {}),
        followStatus: () => firstOf(service.followStatus(flow, signal)),
      } satisfies { readonly [Method in Exclude<keyof FlowService, NeedsNoFlow>]: () => Promise<unknown> };
      const codes = Object.entries(calls).map(async ([method, call]) => [method, await codeOf(call())]);
      const missing = Object.keys(calls).map((method) => [method, 'flow-missing']);
      expect(await Promise.all(codes)).toEqual(missing);
    });

    it('reads no events, lines or flows of an unknown flow', async () => {
      const { signal } = new AbortController();
      expect(await service.events(flow, { limit: 1 })).toEqual([]);
      expect(await firstOf(service.logs(flow, { follow: false }, signal))).toBeUndefined();
      expect((await service.list(flow.namespace, { id: flow.jobId, limit: 1 })).flows).toEqual([]);
    });

    it('updates a flow, found by the jobId of the document, and keeps its revisions', async () => {
      await submitted();
      const named = (text: string) => JSON.stringify({ ...JSON.parse(text), ...flow });
      const updated = await service.update(undefined, named(second), eva);
      expect(updated).toMatchObject({ outcome: 'updated', status: { revision: 2 } });
      expect(await service.history(flow)).toMatchObject([
        { revision: 1, cause: 'submit', by: 'eva', comment: 'because', isCurrent: false },
        { revision: 2, cause: 'update', by: 'eva', comment: 'because', isCurrent: true },
      ]);
      expect(JSON.parse(await service.document(flow, 2)).dag[1].meta.restart).toBe(true);
      expect(await service.diff(flow, {})).toMatch(/^\+.*restart/m);
      expect(await service.diff(flow, { from: 2, to: 2 })).toBe('');
      await expect(service.document(flow, 9)).rejects.toMatchObject({ code: 'revision-missing' });
    });

    it('rejects an update that renames a function, with its path', async () => {
      await submitted();
      const renamed = first.replace('"id":"leaf"', '"id":"root"').replace('["leaf"]', '["root"]');
      const update = service.update(flow.namespace, JSON.stringify({ ...JSON.parse(renamed), ...flow }), eva);
      const problem = expect.objectContaining({ code: 'update-refused', path: expect.stringContaining('dag') });
      await expect(update).rejects.toMatchObject({ problems: expect.arrayContaining([problem]) });
    });

    it('scales and rolls back as new revisions', async () => {
      await submitted();
      expect(await service.scale(flow, { map: 3 }, eva)).toMatchObject({ outcome: 'updated', status: { revision: 2 } });
      await reached(({ health }) => health.state === 'healthy');
      expect(await service.rollback(flow, 1, eva)).toMatchObject({ outcome: 'updated', status: { revision: 3 } });
      const causes = (await service.history(flow)).map(({ cause }) => cause);
      expect(causes).toEqual(['submit', 'scale', 'rollback']);
    });

    it('pauses and resumes', async () => {
      await submitted();
      await service.pause(flow, [], eva);
      await in_('Paused');
      expect(await service.resume(flow, [], eva)).toMatchObject({ status: 'Running' });
      await in_('Running');
    });

    it('a stop closes the flow, a submit continues it, and only force deletes a stopped flow', async () => {
      await submitted();
      await service.end(flow, 'stop', eva);
      expect((await in_('Stopped')).closeTime).not.toBeNull();
      await expect(service.end(flow, 'delete', eva)).rejects.toMatchObject({ code: 'state-invalid' });
      expect(await service.submit(flow, first, eva)).toMatchObject({ outcome: 'resumed', status: { revision: 1 } });
      await in_('Running');
      await service.end(flow, 'delete', eva);
      await in_('Canceled');
    });

    it('follows the status until the flow is closed', async () => {
      await submitted();
      const seen: string[] = [];
      const following = (async () => {
        for await (const { status } of service.followStatus(flow, new AbortController().signal)) seen.push(status);
      })();
      await waitFor('the present status', () => seen.length > 0);
      await service.end(flow, 'stop', eva);
      await following;
      expect([seen[0], seen.at(-1)]).toEqual(['Running', 'Stopped']);
    });

    it('follows every event that is added after the call has resolved, until the signal is aborted', async () => {
      await submitted();
      const abort = new AbortController();
      const seen: string[] = [];
      const added = await service.followEvents(flow, abort.signal);
      const following = (async () => {
        for await (const { what } of added) seen.push(what);
      })();
      await service.pause(flow, [], eva);
      await waitFor('the event of the pause', () => seen.includes('Paused'));
      abort.abort();
      await following;
      const past = await service.events(flow, { kind: 'phase', limit: 100 });
      expect(past.map(({ what }) => what)).toContain('Paused');
      expect(await service.events(flow, { limit: 1 })).toHaveLength(1);
    });

    it('lists flows in pages, by namespace, id and phase', async () => {
      const listed = { namespace: `pages-${count}` };
      for (const jobId of ['a', 'b', 'c']) await service.submit({ ...listed, jobId }, first, eva);
      const names: string[] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const page = await service.list(listed.namespace, { limit: 2, ...(next === '' ? {} : { continue: next }) });
        expect(page.flows.length).toBeLessThanOrEqual(2);
        names.push(...page.flows.map(({ jobId }) => jobId));
        next = page.continue;
      }
      expect(names).toEqual(['a', 'b', 'c']);
      expect((await service.list(undefined, { id: 'b', limit: 100 })).flows).toMatchObject([{ ...listed, jobId: 'b' }]);
      expect((await service.list(listed.namespace, { status: 'Stopped', limit: 100 })).flows).toEqual([]);
    });
  });
}
