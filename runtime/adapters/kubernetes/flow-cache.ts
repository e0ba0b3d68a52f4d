import type { KFlowError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import { type FlowKey, flowName, parseFlowName } from '../../api-contract/flow-key';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import { FlowIndex } from './flow-index';
import { type FlowPart, partOfOwner, partOfPod, partOfWorkload } from './flow-part';
import { flowSelector, ownerSelector } from './flow-selector';
import { KindWatch } from './kind-watch';
import type { KubernetesObjects, ObjectMetadata, Scope } from './kubernetes-objects';
import { OwnWrites } from './own-writes';

/** Whoever was told of a removal may have been unable to act on it. */
const REPEAT_MS = 2_000;

export interface FlowListener {
  onChange(flow: FlowKey): void;
  onRemovalAsked(flow: FlowKey): void;
}

export interface FlowCacheOptions {
  /** Left out, all of them. */
  readonly namespaces?: readonly string[];
  readonly onTrouble: (error: KFlowError) => void;
}

/**
 * What runs of all flows, as watches tell it.
 *
 * I1. A listener is told every flow there is at first, and from then on each that changes, or may have.
 * I2. `parts` gives nothing while a watch is away, or has not come to what this process has written itself.
 * I3. That a flow's removal is asked is told again and again, for as long as it is.
 */
export class FlowCache {
  private readonly index = new FlowIndex((flow) => this.tell(flow, this.listeners));
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

  /** Lists everything, and watches it until `close`. Throws when a first list fails. */
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

  /** Tells a listener every flow, and then what changes. */
  add(listener: FlowListener): void {
    this.listeners.add(listener);
    for (const flow of this.index.names()) this.tell(flow, [listener]);
  }

  /** Whether somebody listens still. */
  delete(listener: FlowListener): boolean {
    this.listeners.delete(listener);
    return this.listeners.size > 0;
  }

  /** Undefined when it may be older than what the server would say. */
  parts(flow: FlowKey): readonly FlowPart[] | undefined {
    const isCurrent = [...this.watches.values()].every((watch) => watch.isCurrent);
    return isCurrent && this.writes.areSeen(flow) ? this.index.parts(flowName(flow)) : undefined;
  }

  /** Workloads of a flow as this process has made them, and as the server gave them. */
  expectApplied(flow: FlowKey, workloads: readonly KubernetesObject[]): void {
    const conditions = workloads.map((workload) => {
      const watch = this.watches.get(watchKey(workload, this.options.namespaces && flow.namespace));
      return () => watch?.hasReached(workload.metadata.resourceVersion ?? '') ?? true;
    });
    this.writes.add(flow, conditions);
  }

  /** Workloads of a flow that this process has had removed. */
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

  private tell(name: string, listeners: Iterable<FlowListener>): void {
    const flow = parseFlowName(name);
    if (flow === undefined) return;
    for (const listener of listeners) listener.onChange(flow);
    if (this.isRemovalAsked(name)) this.tellRemoval(name, flow);
  }

  private isRemovalAsked(name: string): boolean {
    return this.index.parts(name).some((part) => part.type === 'owner' && part.isRemovalAsked);
  }

  /** Now, and until it is done. */
  private tellRemoval(name: string, flow: FlowKey): void {
    if (this.repeats.has(name) || this.listeners.size === 0 || this.ended.signal.aborted) return;
    for (const listener of this.listeners) listener.onRemovalAsked(flow);
    const again = () => {
      this.repeats.delete(name);
      if (this.isRemovalAsked(name)) this.tellRemoval(name, flow);
    };
    this.repeats.set(name, setTimeout(again, REPEAT_MS).unref());
  }
}

function watchKey({ kind }: KindRef, namespace: string | undefined): string {
  return `${kind} ${namespace ?? ''}`;
}
