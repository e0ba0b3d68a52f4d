import { MemoryCluster } from '../../../../../bench/memory-cluster';
import type { FlowMemo } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { describeDrift, WorkloadObserver } from '../../../../../runtime/controller/flows/service/workload-observer';
import type { WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { at, planIn, readyWorkloads, runningMemo, withWorkload } from '../../flow-states';

const plan = planIn('stream');
const ready = readyWorkloads(plan);

describe('a difference from the desired state', () => {
  test.each<[string, Partial<FlowMemo>, readonly WorkloadState[], string | undefined]>([
    ['is none when every workload is as planned', {}, ready, undefined],
    ['is a workload that was scaled', {}, withWorkload(ready, 'map', { desired: 5 }), 'map has 5 of 2 replicas'],
    ['is a workload that was scaled to 0', {}, withWorkload(ready, 'map', { desired: 0 }), 'map has 0 of 2 replicas'],
    ['is not a pause by request', { pauses: { map: true } }, withWorkload(ready, 'map', { desired: 0 }), undefined],
    ['is a workload that was deleted', {}, ready.slice(0, 2), 'sink is missing'],
    ['is not one of a function that ended before', { ended: ['sink'] }, ready.slice(0, 2), undefined],
    ['is not one that has ended', {}, withWorkload(ready, 'map', { desired: 0, outcome: 'succeeded' }), undefined],
    [
      'is a replica of a paused flow',
      { phase: 'Paused' },
      ready.map((state) => ({ ...state, desired: state.function === 'list' ? 1 : 0 })),
      'list has 1 of 0 replicas',
    ],
  ])('%s', (_title, memo, workloads, drift) => {
    expect(describeDrift(plan, { ...runningMemo, ...memo }, workloads)).toBe(drift);
  });
});

describe('the observer of workloads', () => {
  /** The workflow of one flow, and the cluster that shows its workloads. */
  class Stage {
    workloads: readonly WorkloadState[] = ready;
    /** The workloads once the workflow has applied the desired state. */
    applied: readonly WorkloadState[] = ready;
    memo = runningMemo;
    described = 0;
    /** Whether the flow exists when the observer starts. */
    isShown = true;
    readonly signals: (string | undefined)[] = [];
    readonly warnings: string[] = [];
    change: () => void = () => undefined;
    readonly observer: WorkloadObserver;

    constructor() {
      const flow = { namespace: plan.namespace, jobId: plan.jobId };
      const cluster = new MemoryCluster();
      cluster.workloads = async () => this.workloads;
      cluster.watch = async (onChange) => {
        this.change = () => onChange(flow);
        if (this.isShown) this.change();
        return { close: async () => undefined };
      };
      const workflows = {
        describe: async () => {
          this.described++;
          return { key: flow, isOpen: true, status: 'Running' as const, memo: this.memo, runId: 'r', startTime: at(0) };
        },
        observed: async (_flow: unknown, drift?: string) => {
          this.signals.push(drift);
          this.workloads = this.applied;
          return true;
        },
      };
      const planner = { plan: async () => plan };
      this.observer = new WorkloadObserver({
        cluster,
        workflows,
        planner,
        onWarning: (text) => this.warnings.push(text),
      });
    }

    async show(workloads: readonly WorkloadState[]): Promise<void> {
      this.workloads = workloads;
      this.change();
      await jest.advanceTimersByTimeAsync(20_000);
    }
  }

  let stage: Stage;
  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    stage = new Stage();
    await stage.observer.start();
    await jest.advanceTimersByTimeAsync(20_000);
  });
  afterEach(async () => {
    await stage.observer.close();
    jest.useRealTimers();
  });

  test('signals the workflow once for a workload that somebody scaled', async () => {
    await stage.show(withWorkload(ready, 'map', { desired: 0, replicas: [] }));
    expect(stage.signals).toEqual(['map has 0 of 2 replicas']);
  });

  test('signals the workflow once for a workload that somebody edited, also if the edit remains', async () => {
    const generation = (number: number, changedBy?: string) =>
      withWorkload(ready, 'map', { generation: number, ...(changedBy === undefined ? {} : { changedBy }) });
    await stage.show(generation(1));
    await stage.show(generation(2)); // KFlow itself
    expect(stage.signals).toEqual([]);
    stage.applied = generation(3, 'kubectl-edit');
    await stage.show(stage.applied);
    expect(stage.signals).toEqual(['map was edited by kubectl-edit']);
    await stage.show(stage.applied);
    expect(stage.signals).toHaveLength(1);
    await stage.show(generation(4, 'kubectl-set'));
    expect(stage.signals.at(-1)).toBe('map was edited by kubectl-set');
  });

  test('notices an edit that was made before it saw the desired state applied, and none from before its start', async () => {
    const edited = withWorkload(ready, 'map', { generation: 2, changedBy: 'kubectl-edit' });
    const late = new Stage();
    late.workloads = edited;
    await late.observer.start();
    await late.show(edited);
    expect(late.signals).toEqual([]);
    await late.observer.close();
    const fresh = new Stage();
    fresh.memo = { ...runningMemo, isSettled: false };
    await fresh.observer.start();
    await jest.advanceTimersByTimeAsync(5_000);
    fresh.memo = runningMemo;
    await fresh.show(edited);
    expect(fresh.signals).toEqual(['map was edited by kubectl-edit']);
    await fresh.observer.close();
  });

  test('notices an edit of a flow that it sees for the first time', async () => {
    const late = new Stage();
    late.isShown = false;
    await late.observer.start();
    late.applied = withWorkload(ready, 'map', { generation: 3 });
    await late.show(withWorkload(ready, 'map', { generation: 2, changedBy: 'kubectl-edit' }));
    expect(late.signals).toEqual(['map was edited by kubectl-edit']);
    await late.observer.close();
  });

  test('asks nothing when only replicas change', async () => {
    const { described } = stage;
    await stage.show(withWorkload(ready, 'map', { replicas: [] }));
    expect([stage.described, stage.signals]).toEqual([described, []]);
  });

  test('waits while the desired state is being applied', async () => {
    stage.memo = { ...runningMemo, isSettled: false };
    await stage.show(withWorkload(ready, 'map', { desired: 1 }));
    expect(stage.signals).toEqual([]);
    stage.memo = { ...runningMemo, revision: 2 };
    await jest.advanceTimersByTimeAsync(20_000);
    expect(stage.signals).toEqual(['map has 1 of 2 replicas']);
  });

  test('leaves a flow alone whose workloads differ for a moment only', async () => {
    stage.workloads = ready.slice(0, 2);
    stage.change();
    await jest.advanceTimersByTimeAsync(500);
    await stage.show(ready);
    expect(stage.signals).toEqual([]);
  });
});
