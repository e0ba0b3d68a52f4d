import type { FlowKey } from '../../../../../runtime/api-contract/flow-key';
import type { FlowPhase } from '../../../../../runtime/api-contract/flow-phase';
import type { FlowWorkflowView } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { FlowObserver } from '../../../../../runtime/controller/flows/service/flow-observer';
import { OrphanedFlows } from '../../../../../runtime/controller/flows/service/orphaned-flows';
import { chainTopology } from '../../../../support/chain-topology';
import { MemoryController } from '../../../../support/memory-controller';

const step = { pauses: {}, without: [], pins: {}, restarts: {}, epochs: {} };
const noTimers = ['nextTick', 'queueMicrotask', 'setImmediate'] as const;

let controller: MemoryController;
beforeEach(() => {
  controller = new MemoryController();
  jest.useFakeTimers({ doNotFake: [...noTimers] });
});
afterEach(() => jest.useRealTimers());

/** Applies a flow that no workflow runs. */
async function applied(jobId: string, mode: 'batch' | 'stream'): Promise<FlowKey> {
  const flow = { namespace: 'team', jobId };
  const digest = await controller.store.putDocument(flow, JSON.stringify({ ...chainTopology({ mode }), ...flow }));
  await controller.activities.apply({ flow, digest, ...step });
  return flow;
}

async function observer(isOpen: boolean) {
  const signals: string[] = [];
  const warnings: string[] = [];
  const opened = new FlowObserver({
    cluster: controller.cluster,
    workflows: {
      observed: async ({ jobId }) => {
        signals.push(jobId);
        return isOpen;
      },
    },
    remove: async () => undefined,
    onWarning: (text) => warnings.push(text),
  });
  await opened.start();
  return { signals, warnings, close: () => opened.close() };
}

describe('the observer', () => {
  test('signals a workflow when a Job has failed or all Jobs have ended, and not before', async () => {
    const [failing, ending] = [await applied('failing', 'batch'), await applied('ending', 'batch')];
    await applied('endless', 'stream');
    const { signals, close } = await observer(false);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(signals).toEqual([]);
    controller.cluster.end(failing, 'map', 'failed');
    for (const id of ['list', 'map']) controller.cluster.end(ending, id, 'succeeded');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(signals).toEqual(['failing']);
    controller.cluster.end(ending, 'leaf', 'succeeded');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(signals).toEqual(['failing', 'ending']);
    await close();
  });

  test('repeats the signal while the workflow stays open, with growing delays', async () => {
    const flow = await applied('failing', 'batch');
    const { signals, close } = await observer(true);
    controller.cluster.end(flow, 'map', 'failed');
    await jest.advanceTimersByTimeAsync(10_000);
    const first = signals.length;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(first).toBeGreaterThan(1);
    expect(signals.length - first).toBeLessThan(first);
    await close();
    const { length } = signals;
    await jest.advanceTimersByTimeAsync(100_000);
    expect(signals).toHaveLength(length);
  });

  test('retries a check that failed, and warns', async () => {
    const flow = await applied('failing', 'batch');
    const { signals, warnings, close } = await observer(false);
    const { workloads } = controller.cluster;
    controller.cluster.workloads = () => Promise.reject(new Error('no response'));
    controller.cluster.end(flow, 'map', 'failed');
    await jest.advanceTimersByTimeAsync(100);
    expect(warnings).toEqual(['team/failing: cannot check whether its Jobs have ended: no response; retrying']);
    controller.cluster.workloads = workloads;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(signals).toEqual(['failing']);
    await close();
  });
});

describe('the sweep for orphaned flows', () => {
  function viewIn(key: FlowKey, phase: FlowPhase): FlowWorkflowView {
    const at = '2026-01-01T00:00:00.000Z';
    const memo = { phase, since: at, startTime: at, runId: 'r', revision: 1, digest: 'd', mode: 'stream' as const };
    return {
      key,
      isOpen: false,
      status: 'Terminated',
      memo: { ...memo, isSettled: true, pauses: {}, ended: [] },
      runId: 'r',
      startTime: at,
    };
  }

  test('stops only flows with replicas whose workflow was ended before it could close', async () => {
    const [orphan, closing, open, starting, unknown] = [
      await applied('orphan', 'stream'),
      await applied('closing', 'stream'),
      await applied('open', 'stream'),
      await applied('starting', 'stream'),
      await applied('unknown', 'stream'),
    ];
    const views = [
      viewIn(orphan, 'Running'),
      viewIn(closing, 'Stopped'),
      viewIn(open, 'Running'),
      // open, but not listed yet
      { ...viewIn(starting, 'Running'), isOpen: true },
    ];
    const stopped: string[] = [];
    const sweep = new OrphanedFlows({
      cluster: controller.cluster,
      workflows: {
        open: async () => views.filter(({ key }) => key === open).map((view) => ({ ...view, isOpen: true })),
        describe: async ({ jobId }) => views.find(({ key }) => key.jobId === jobId),
      },
      stop: async (flow) => {
        stopped.push(flow.jobId);
        await controller.cluster.prune(flow, []);
      },
      onWarning: () => undefined,
    });
    await sweep.start();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(stopped).toEqual(['orphan']);
    expect(await controller.cluster.workloads(unknown)).not.toEqual([]);
    await sweep.close();
  });
});
