import type { MapNode, TaskNode } from '../graph/task-graph';
import type { Look, StartedStep, StepError, UnseenInput } from './execution-state';
import type { GraphReader } from './graph-reader';
import { looksIntoClaim } from './look';
import type { Region } from './region';
import { formatStepId, type StepId } from './step-id';
import type { StepRecord } from './step-record';

/** A node, for one item of each map around it. */
interface Instance {
  readonly node: TaskNode;
  readonly items: readonly number[];
}

/** The steps of an execution, and how values get from one to the next. */
export abstract class ExecutionSteps {
  readonly steps = new Map<StepId, StepRecord>();
  /** How many predecessors of a node that has not started have passed something on. */
  readonly arrived = new Map<StepId, number>();
  readonly regions = new Map<StepId, Region>();
  readonly looks = new Map<StepId, Look>();
  /** Marks the claims among values; without it, there are none. */
  claimMark: string | undefined;
  /** Nodes that wait until somebody has looked into their inputs. */
  protected readonly unseen = new Map<StepId, Instance>();
  protected newlyUnseen: UnseenInput[] = [];
  /** Nodes whose predecessors have all passed something on, in the order in which that happened. */
  protected ready: Instance[] = [];
  protected started = new Map<StepId, StartedStep>();
  protected stopped: StepId[] = [];

  constructor(readonly reader: GraphReader) {}

  /** The step of an item of a map has passed something on. */
  protected abstract endItem(
    map: MapNode,
    items: readonly number[],
    result: { readonly value: unknown } | undefined,
  ): void;

  /** The region that an instance runs in; undefined when it has ended. */
  regionOf({ region }: TaskNode, items: readonly number[]): Region | undefined {
    return this.regions.get(formatStepId(region, items));
  }

  /** Passes a value on, or with no result the fact that there is none. */
  protected emit(step: TaskNode, items: readonly number[], result?: { readonly value: unknown }): void {
    const record = this.known(step, items);
    record.emitted = result === undefined ? 'nothing' : 'value';
    record.output = result?.value;
    this.emitFrom(record);
  }

  protected emitFrom({ node, items }: StepRecord): void {
    this.deliver(this.reader.exitOf(node), items);
  }

  /** Counts an arrival at each node that follows; the last one makes the node ready. */
  protected deliver(from: TaskNode, items: readonly number[]): void {
    for (const index of from.to) {
      const node = this.reader.node(index);
      if (node.kind === 'sink' && this.reader.node(node.begin).kind === 'map') {
        const step = from.kind === 'sink' ? this.reader.node(from.begin) : from;
        const { emitted, output } = this.known(step, items);
        this.endItem(
          this.reader.node(node.begin) as MapNode,
          items,
          emitted === 'value' ? { value: output } : undefined,
        );
        continue;
      }
      const id = formatStepId(index, items);
      const count = (this.arrived.get(id) ?? 0) + 1;
      if (count < node.from.length) this.arrived.set(id, count);
      else {
        this.arrived.delete(id);
        this.ready.push({ node, items });
      }
    }
  }

  /** Counts the arrivals behind a node anew, for nodes that wait for more. */
  recount(from: TaskNode, items: readonly number[]): void {
    for (const index of from.to) {
      const node = this.reader.node(index);
      const id = formatStepId(index, items);
      const isMapEnd = node.kind === 'sink' && this.reader.node(node.begin).kind === 'map';
      if (isMapEnd || this.steps.has(id) || this.regionOf(node, items) === undefined) continue;
      this.arrived.set(id, (this.arrived.get(id) ?? 0) + 1);
    }
  }

  /** Stops the steps in a region that only wait. */
  protected stopWaits(failed: Region): void {
    for (const region of failed.all()) {
      for (const id of [...region.waits]) {
        const record = this.steps.get(id);
        if (record !== undefined) record.status = 'canceled';
        region.end(id);
        if (!this.started.delete(id)) this.stopped.push(id);
      }
    }
  }

  /** Whether the node has to wait for a look into its input. */
  protected awaitLook(node: TaskNode, items: readonly number[], input: unknown): boolean {
    const id = formatStepId(node.index, items);
    this.looks.delete(id); // it is of an earlier run
    if (!looksIntoClaim(node, input, this.claimMark)) return false;
    this.unseen.set(id, { node, items });
    this.newlyUnseen.push({ id, node, input });
    return true;
  }

  protected record(node: TaskNode, items: readonly number[], status: StepRecord['status']): StepRecord {
    const record: StepRecord = { node, items, status };
    this.steps.set(formatStepId(node.index, items), record);
    return record;
  }

  protected placeOf({ node, items }: StepRecord): Pick<StepError, 'step' | 'id'> {
    return { step: this.reader.nameOf(node), id: formatStepId(node.index, items) };
  }

  protected known(node: TaskNode, items: readonly number[]): StepRecord {
    const record = this.steps.get(formatStepId(node.index, items));
    if (record === undefined) throw new Error(`the step ${formatStepId(node.index, items)} is unknown`);
    return record;
  }
}
