import { type EntryNode, isStepNode, type MapNode, type SinkNode, type TaskNode } from '../graph/task-graph';
import type { Advance, ExecutionEvent, ExecutionState, Look, Outcome, StepError } from './execution-state';
import { ExecutionSteps } from './execution-steps';
import { failureModeOf, type GraphReader, isStep, type Step } from './graph-reader';
import type { KeptSteps } from './kept-steps';
import { lookInto } from './look';
import { ItemRegion, MapRegion, Region } from './region';
import { formatStepId, type StepId } from './step-id';
import { emptyOutput, itemsOf, joinInputs } from './step-input';
import { type StepRecord, stateOf } from './step-record';
import { resultsIn } from './step-results';
import { valuesFor } from './step-values';

/**
 * One run of a graph. It decides what starts when; whoever holds it runs the steps and tells it how they end. Neither clock
 * nor chance: the same events give the same moves.
 *
 * E1. A step instance starts at most once, when all its predecessors have passed on a value or the fact that there is none.
 * E2. Its input depends on the graph, the execution's input and the outputs of its predecessors, not on the order of ends.
 *     Only the `results` of a catch or finally are those known at the time.
 * E3. An event for an instance that is not running changes nothing.
 * E4. A failure that nobody handles ends the innermost region around that handles failures: nothing more starts there, and
 *     the region ends with the last of its running steps. Steps that only wait are stopped.
 * E5. There is one outcome, and nothing starts after it.
 * E6. `state` with `restoreExecution` gives an execution that moves as this one would.
 */
export class TaskExecution extends ExecutionSteps {
  ending: ExecutionState['ending'];
  outcome: Outcome | undefined;

  constructor(
    reader: GraphReader,
    readonly input: unknown,
    readonly inputs: { readonly [id: StepId]: unknown } = {},
    readonly kept?: KeptSteps,
  ) {
    super(reader);
  }

  /** Starts the first steps. */
  start(): Advance {
    const entry = this.reader.node(0) as EntryNode;
    const record = this.record(entry, [], 'running');
    record.input = this.input;
    this.regions.set('0', new Region('0', entry, []));
    this.deliver(entry, []);
    return this.moves(false);
  }

  /** Takes what has happened, and returns what to do now. */
  advance(event: ExecutionEvent): Advance {
    const hadOutcome = this.outcome !== undefined;
    if (event.kind === 'cancel') this.cancel(event.force === true);
    else if (event.kind === 'seen') this.see(event.id, event.look);
    else {
      const record = this.steps.get(event.id);
      if (record?.status === 'running' && isStepNode(record.node)) this.end(record, event);
    }
    return this.moves(hadOutcome);
  }

  /** The steps that were started and have not ended, in the order of their start. */
  running(): readonly StepId[] {
    return [...this.steps].flatMap(([id, { status, node }]) => (status === 'running' && isStepNode(node) ? [id] : []));
  }

  /** Everything that is known, as plain JSON. */
  state(): ExecutionState {
    const steps: Record<StepId, ReturnType<typeof stateOf>> = {};
    const kept = this.kept?.state();
    for (const [id, record] of this.steps) steps[id] = stateOf(record, this.regions.get(id)?.failing?.error);
    return {
      input: this.input,
      ...(Object.keys(this.inputs).length === 0 ? {} : { inputs: this.inputs }),
      steps,
      ...(kept === undefined || this.outcome?.status === 'completed' ? {} : { kept }),
      ...(this.ending === undefined ? {} : { ending: this.ending }),
      ...(this.outcome === undefined ? {} : { outcome: this.outcome }),
      ...(this.looks.size === 0 ? {} : { looks: Object.fromEntries(this.looks) }),
    };
  }

  private moves(hadOutcome: boolean): Advance {
    for (let at = 0; at < this.ready.length; at += 1) {
      const next = this.ready[at];
      if (next !== undefined) this.enter(next.node, next.items);
    }
    this.ready = [];
    const { started, stopped, outcome, newlyUnseen: unseen } = this;
    this.started = new Map();
    this.stopped = [];
    this.newlyUnseen = [];
    return {
      started: [...started.values()],
      stopped,
      ...(unseen.length === 0 ? {} : { unseen }),
      ...(outcome === undefined || hadOutcome ? {} : { outcome }),
    };
  }

  // starting

  private enter(node: TaskNode, items: readonly number[]): void {
    const region = this.regionOf(node, items);
    if (node.kind === 'sink') {
      if (region !== undefined && !region.isHeld) this.reachEnd(node, region);
      return;
    }
    if (region === undefined || region.isHeld) {
      this.record(node, items, 'canceled');
      return;
    }
    const id = formatStepId(node.index, items);
    const kept = this.kept?.take(id, this.steps);
    if (kept !== undefined) {
      this.emitFrom(kept);
      return;
    }
    const values = valuesFor(this, node, items);
    if (values.length === 0 && node.from.length > 0) {
      this.record(node, items, 'skipped');
      this.emit(node, items);
      return;
    }
    this.run(node, items, region, id in this.inputs ? this.inputs[id] : joinInputs(values));
  }

  /** Runs a node whose input is there; what is wrong with the input is a failure of the node. */
  private run(node: TaskNode, items: readonly number[], region: Region, joined: unknown): void {
    const record = this.record(node, items, 'running');
    record.input = joined;
    if (this.awaitLook(node, items, joined)) region.begin(formatStepId(node.index, items));
    else this.runSeen(record, region, lookInto(node, joined, this.reader.guardOf(node)));
  }

  private runSeen(record: StepRecord, region: Region, look: Look): void {
    const { node, items } = record;
    const id = formatStepId(node.index, items);
    if ('input' in look) record.input = look.input;
    if (look.fault !== undefined) {
      const message = `${this.reader.nameOf(node)}: ${look.fault}`;
      this.fail(record, { code: 'input-invalid', message, ...this.placeOf(record) });
    } else if (look.isPassed === true) {
      record.status = 'passed';
      this.emit(node, items, { value: record.input });
    } else if (node.kind === 'source') this.succeed(record, node.value);
    else if (node.kind === 'flow') this.open(new Region(id, node, items, region));
    else if (node.kind === 'map') this.openMap(node, record, region);
    else if (isStepNode(node)) {
      this.started.set(id, { id, index: node.index, input: record.input, ...look.filled });
      region.begin(id, node);
    }
  }

  private see(id: StepId, look: Look): void {
    const seen = this.unseen.get(id);
    if (seen === undefined) return;
    this.unseen.delete(id);
    this.looks.set(id, look);
    const { node, items } = seen;
    const region = this.regionOf(node, items);
    if (node.kind === 'sink') {
      if (region !== undefined && !region.isHeld) this.closeAtEnd(node, region, look);
      return;
    }
    const record = this.known(node, items);
    region?.end(id);
    if (record.status === 'running') {
      if (region === undefined || region.isHeld) record.status = 'canceled';
      else this.runSeen(record, region, look);
    }
    this.settleAround(region);
  }

  private open(region: Region): void {
    this.regions.set(region.id, region);
    this.deliver(region.entry, region.items);
  }

  private openMap(node: MapNode, record: StepRecord, parent: Region): void {
    const region = new MapRegion(formatStepId(node.index, record.items), node, record.items, parent);
    this.regions.set(region.id, region);
    this.fill(region, record);
  }

  /** Starts items while the limit permits; ends the map after the last one. */
  private fill(map: MapRegion, record: StepRecord): void {
    const node = map.entry as MapNode;
    const list = itemsOf(record.input);
    while (map.active < node.limit && map.next < list.length && !map.isHeld) {
      const items = [...map.items, map.next];
      this.record(node, items, 'running').input = list[map.next];
      map.next += 1;
      map.active += 1;
      this.open(new ItemRegion(formatStepId(node.index, items), node, items, map));
    }
    if (map.active > 0 || map.next < list.length) return;
    this.closed(map);
    this.succeed(
      record,
      list.map((_, index) => this.steps.get(formatStepId(node.index, [...map.items, index]))?.output),
    );
  }

  // ending

  private end(record: StepRecord, event: Exclude<ExecutionEvent, { kind: 'cancel' }>): void {
    const { node, items } = record;
    const region = this.regionOf(node, items);
    region?.end(formatStepId(node.index, items));
    if (event.kind === 'succeeded')
      this.succeed(record, node.kind === 'store' ? record.input : (event.output ?? emptyOutput));
    else if (event.kind === 'failed') this.fail(record, { ...event.error, ...this.placeOf(record) });
    else if (region === undefined || region.isHeld) record.status = 'canceled';
    else this.fail(record, { code: 'canceled', message: 'the step was canceled', ...this.placeOf(record) });
    this.settleAround(region);
  }

  private settleAround(region: Region | undefined): void {
    for (let each = region; each !== undefined; each = each.parent) this.settleIfIdle(each);
  }

  private succeed(record: StepRecord, output: unknown): void {
    record.status = 'succeeded';
    record.output = output;
    record.emitted = 'value';
    this.deliver(this.reader.exitOf(record.node), record.items);
  }

  /** The sink of a region is reached by everything that leads to it. */
  private reachEnd(sink: SinkNode, region: Region): void {
    const joined = joinInputs(valuesFor(this, sink, region.items));
    if (!this.awaitLook(sink, region.items, joined)) this.closeAtEnd(sink, region, lookInto(sink, joined, undefined));
  }

  private closeAtEnd(sink: SinkNode, region: Region, look: Look): void {
    const step = this.reader.nameOf(sink);
    const values = valuesFor(this, sink, region.items);
    if (look.fault !== undefined)
      this.failAround(region, { code: 'input-invalid', message: `${step}: ${look.fault}`, step });
    else if (values.length === 0) this.closeRegion(region, undefined);
    else this.closeRegion(region, { value: 'input' in look ? look.input : joinInputs(values) });
  }

  private closeRegion(region: Region, result: { readonly value: unknown } | undefined): void {
    const { entry, items } = region;
    this.closed(region);
    const record = this.known(entry, items);
    record.status = 'succeeded';
    switch (entry.kind) {
      case 'start':
        this.outcome = { status: 'completed', output: result === undefined ? emptyOutput : result.value };
        return;
      case 'finally':
        this.outcome = { status: 'canceled' };
        return;
      case 'catch': {
        const step = this.known(this.reader.node(entry.of), items);
        step.handled = result === undefined ? 'catch-empty' : 'catch';
        this.emit(step.node, items, result);
        return;
      }
      case 'flow':
        if (result === undefined) record.status = 'skipped';
        this.emit(entry, items, result);
        return;
      case 'map':
        throw new Error('a map has no sink of its own: its items end it');
    }
  }

  protected override endItem(
    map: MapNode,
    items: readonly number[],
    result: { readonly value: unknown } | undefined,
  ): void {
    const record = this.known(map, items);
    record.status = 'succeeded';
    this.leaveItem(map, items, result === undefined ? emptyOutput : result.value);
  }

  private leaveItem(map: MapNode, items: readonly number[], output: unknown): void {
    this.known(map, items).output = output;
    const item = this.regions.get(formatStepId(map.index, items));
    if (item !== undefined) this.closed(item);
    const outer = items.slice(0, -1);
    const region = this.regions.get(formatStepId(map.index, outer));
    if (!(region instanceof MapRegion)) return;
    region.active -= 1;
    if (!region.isHeld) this.fill(region, this.known(map, outer));
  }

  // failing

  private fail(record: StepRecord, error: StepError): void {
    const { node, items } = record;
    record.status = 'failed';
    record.error = error;
    const region = this.regionOf(node, items);
    if (region === undefined || region.isHeld) return;
    if (!isStep(node)) this.failAround(region, error);
    else if ('catch' in node && node.catch !== undefined) this.openCatch(node, record, region);
    else this.failUncaught(node, record, error);
  }

  private openCatch(node: Step, record: StepRecord, region: Region): void {
    const branch = this.reader.catchOf((node as { readonly catch: number }).catch);
    const results = resultsIn(this, region);
    this.record(branch, record.items, 'running').input = { error: record.error, input: record.input, results };
    this.open(new Region(formatStepId(branch.index, record.items), branch, record.items, region));
  }

  /** A step without a catch, or one whose catch has failed too. */
  private failUncaught(node: Step, record: StepRecord, error: StepError): void {
    const mode = failureModeOf(node);
    const region = this.regionOf(node, record.items);
    if (mode !== 'fail') {
      record.handled = mode;
      this.emit(node, record.items, mode === 'skip' ? { value: record.input } : undefined);
    } else if (region !== undefined) this.failAround(region, error);
  }

  /** Ends the innermost region that handles failures: E4. */
  private failAround(inner: Region, error: StepError): void {
    if (inner.isHeld) return;
    let region = inner;
    while (region.parent !== undefined) {
      if (region instanceof ItemRegion) {
        const map = region.parent as MapRegion;
        map.failures += 1;
        if (map.failures <= (map.entry as MapNode).tolerate) break;
      } else if (this.handlesFailures(region.entry)) break;
      region = region.parent;
    }
    region.failing = { error };
    if (region.entry.kind === 'start') this.ending = { status: 'failed', error };
    this.stopWaits(region);
    this.settleIfIdle(region);
  }

  private handlesFailures(entry: EntryNode): boolean {
    const step = entry.kind === 'catch' ? this.reader.node(entry.of) : entry;
    if (!isStep(step)) return false;
    const hasCatch = entry.kind !== 'catch' && 'catch' in step && step.catch !== undefined;
    return hasCatch || failureModeOf(step) !== 'fail';
  }

  /** Ends a region that has failed, when nothing runs in it any more. */
  private settleIfIdle(region: Region): void {
    if (region.failing === undefined || region.running > 0 || region.isSettled) return;
    region.isSettled = true;
    const { entry, items } = region;
    const error = region.failing.error ?? { code: 'canceled', message: 'the execution was canceled' };
    this.closeFailed(region);
    const record = this.known(entry, items);
    if (region instanceof ItemRegion) {
      Object.assign(record, { status: 'failed', error, handled: 'tolerated' });
      this.leaveItem(entry as MapNode, items, { error });
    } else if (entry.kind === 'start') this.settleRoot(record, error);
    else if (entry.kind === 'finally') {
      Object.assign(record, { status: 'failed', error });
      this.outcome = { status: 'canceled', error };
    } else if (entry.kind === 'catch') {
      Object.assign(record, { status: 'failed', error });
      const step = this.known(this.reader.node(entry.of), items);
      const isHeld = this.regionOf(step.node, items)?.isHeld ?? true;
      if (!isHeld) this.failUncaught(step.node as Step, step, error);
    } else this.fail(record, error);
  }

  private closed(region: Region): void {
    region.close();
    this.regions.delete(region.id);
  }

  /** Nothing remains running of the regions within. */
  private closeFailed(failed: Region): void {
    for (const region of failed.all()) {
      this.closed(region);
      const record = this.known(region.entry, region.items);
      if (record.status === 'running') record.status = 'canceled';
    }
  }

  // the execution as a whole

  private settleRoot(record: StepRecord, error: StepError): void {
    if (this.ending?.status !== 'canceled') {
      Object.assign(record, { status: 'failed', error });
      this.outcome = { status: 'failed', error };
    } else if (this.reader.graph.finally === undefined) this.outcome = { status: 'canceled' };
    else {
      const entry = this.reader.node(this.reader.graph.finally) as EntryNode;
      const results = resultsIn(this, new Region('0', this.reader.node(0) as EntryNode, []));
      this.record(entry, [], 'running').input = { input: this.input, results };
      this.open(new Region(formatStepId(entry.index, []), entry, []));
    }
  }

  private cancel(isForced: boolean): void {
    if (this.outcome !== undefined) return;
    const root = this.regions.get('0');
    if (isForced) {
      for (const [id, record] of this.steps) {
        if (record.status !== 'running') continue;
        record.status = 'canceled';
        if (isStepNode(record.node)) this.stopped.push(id);
      }
      this.regions.clear();
      this.outcome = this.ending?.status === 'failed' ? this.ending : { status: 'canceled' };
      this.ending ??= { status: 'canceled' };
    } else if (this.ending === undefined && root !== undefined) {
      this.ending = { status: 'canceled' };
      root.failing = {};
      this.stopWaits(root);
      this.settleIfIdle(root);
    }
  }
}
