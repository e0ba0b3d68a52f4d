import type { KFlowError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import { type FlowKey, flowName, parseFlowName } from '../../api-contract/flow-key';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import { FlowIndex } from './flow-index';
import { flowSelector, ownerSelector } from './flow-labels';
import { type FlowPart, partOfOwner, partOfPod, partOfWorkload } from './flow-part';
import { KindWatch } from './kind-watch';
import type { KubernetesObjects, ObjectMetadata, Scope } from './kubernetes-objects';

/** A removal is reported repeatedly, because a listener may have failed to act on it. */
const REPEAT_MS = 2_000;

export interface FlowListener {
  onChange(flow: FlowKey): void;
  onRemovalRequested(flow: FlowKey): void;
}

export interface FlowCacheOptions {
  /** Default: all namespaces. */
  readonly namespaces?: readonly string[];
  readonly onTrouble: (error: KFlowError) => void;
}

/**
 * The parts of all flows, kept current by watches.
 *
 * I1. A listener is notified of every existing flow first, and then of each flow that has changed or may have changed.
 * I2. `parts` returns undefined while a watch is interrupted, or does not include the writes of this process yet.
 * I3. Listeners are notified of a requested removal repeatedly until the flow is removed.
 */
export class FlowCache {
  private readonly index = new FlowIndex((flow) => this.notify(flow, this.listeners));
  private readonly listeners = new Set<FlowListener>();
  private readonly watches = new Map<string, KindWatch<ObjectMetadata>>();
  private readonly writes = new OwnWrites();
  private readonly ended = new AbortController();
  private readonly repeats = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly objects: KubernetesObjects,
    private readonly options: FlowCacheOptions,
  ) {
    const query = { labelSelector: flowSelector() };
    const ownerQuery = { labelSelector: ownerSelector() };
    for (const namespace of options.namespaces ?? [undefined]) {
      for (const kind of workloadKinds) this.watch(kind, { namespace, query }, partOfWorkload);
      this.watch({ apiVersion: 'v1', kind: 'Pod' }, { namespace, query }, partOfPod);
      const owners: Scope = { namespace, query: ownerQuery, isMetadataOnly: true };
      this.watch({ apiVersion: 'v1', kind: 'ConfigMap' }, owners, partOfOwner);
    }
  }

  /** Lists all objects and watches them until `close`. Throws if one of the lists fails. */
  async start(): Promise<void> {
    try {
      await Promise.all([...this.watches.values()].map((watch) => watch.start(this.ended.signal)));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.ended.abort();
    for (const timer of this.repeats.values()) clearTimeout(timer);
  }

  /** Notifies a listener of every flow now, and of changes from then on (I1). */
  add(listener: FlowListener): void {
    this.listeners.add(listener);
    for (const flow of this.index.names()) this.notify(flow, [listener]);
  }

  /** Returns whether listeners remain. */
  delete(listener: FlowListener): boolean {
    this.listeners.delete(listener);
    return this.listeners.size > 0;
  }

  /** Undefined if the parts may be out of date (I2). */
  parts(flow: FlowKey): readonly FlowPart[] | undefined {
    const isCurrent = [...this.watches.values()].every((watch) => watch.isCurrent);
    return isCurrent && this.writes.areSeen(flow) ? this.index.parts(flowName(flow)) : undefined;
  }

  /** Registers workloads that this process has applied, as the server returned them. */
  expectApplied(flow: FlowKey, workloads: readonly KubernetesObject[]): void {
    const conditions = workloads.map((workload) => {
      const watch = this.watches.get(watchKey(workload, this.options.namespaces && flow.namespace));
      return () => watch?.hasSeen(workload.metadata.resourceVersion ?? '') ?? true;
    });
    this.writes.add(flow, conditions);
  }

  /** Registers workloads that this process has deleted. */
  expectRemoved(flow: FlowKey, workloads: readonly ObjectMetadata[]): void {
    const conditions = workloads.map(({ metadata }) => () => {
      const part = this.index.part(flowName(flow), metadata.uid ?? '');
      return part?.type !== 'workload' || part.workload.isEnding;
    });
    this.writes.add(flow, conditions);
  }

  private watch(kind: KindRef, scope: Scope, read: (object: ObjectMetadata) => FlowPart | undefined): void {
    const { onTrouble } = this.options;
    const sink = this.index.sink(read);
    const watch = new KindWatch(this.objects, { kind, scope, sink, onTrouble });
    this.watches.set(watchKey(kind, scope.namespace), watch);
  }

  private notify(name: string, listeners: Iterable<FlowListener>): void {
    const flow = parseFlowName(name);
    if (flow === undefined) return;
    for (const listener of listeners) listener.onChange(flow);
    if (this.isRemovalRequested(name)) this.notifyRemoval(name, flow);
  }

  private isRemovalRequested(name: string): boolean {
    return this.index.parts(name).some((part) => part.type === 'owner' && part.isRemovalRequested);
  }

  /** Notifies the listeners now, and again until the removal is no longer requested (I3). */
  private notifyRemoval(name: string, flow: FlowKey): void {
    if (this.repeats.has(name) || this.listeners.size === 0 || this.ended.signal.aborted) return;
    for (const listener of this.listeners) listener.onRemovalRequested(flow);
    const again = () => {
      this.repeats.delete(name);
      if (this.isRemovalRequested(name)) this.notifyRemoval(name, flow);
    };
    this.repeats.set(name, setTimeout(again, REPEAT_MS).unref());
  }
}

function watchKey({ kind }: KindRef, namespace: string | undefined): string {
  return `${kind} ${namespace ?? ''}`;
}

/** Whether the watches have seen a write. */
type IsSeen = () => boolean;

/** Writes of this process that the watches have not seen yet, by flow. */
class OwnWrites {
  private readonly awaited = new Map<string, readonly IsSeen[]>();

  add(flow: FlowKey, conditions: readonly IsSeen[]): void {
    this.keep(flow, [...(this.awaited.get(flowName(flow)) ?? []), ...conditions]);
  }

  /** Whether the watches have seen all writes of a flow. */
  areSeen(flow: FlowKey): boolean {
    const open = (this.awaited.get(flowName(flow)) ?? []).filter((isSeen) => !isSeen());
    this.keep(flow, open);
    return open.length === 0;
  }

  private keep(flow: FlowKey, conditions: readonly IsSeen[]): void {
    if (conditions.length === 0) this.awaited.delete(flowName(flow));
    else this.awaited.set(flowName(flow), conditions);
  }
}
