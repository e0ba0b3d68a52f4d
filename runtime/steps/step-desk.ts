import { ConfigError, FunctionError, StateError } from '../../lib/errors';
import type { FlowPlan, PlannedBucket, PlannedDevStore, PlannedSteps } from '../../lib/plan/flow-plan';
import { isInLocation, parseS3Location } from '../../lib/plan/s3-location';
import type { SimulateRequest, Step, StepEntry, StepFolder, Steps } from '../api-contract/steps';
import { Limit } from '../async/limit';
import { pause } from '../async/pause';
import { findObject, objectsIn, type StepObjects, type StepPlace } from './step-objects';
import { readValues, renderRecords, StepRecords } from './step-records';
import { getIfThere, isResultOf, parseResult, readResult, versionOf } from './step-result';

export interface StepDeskPorts {
  readonly plan: Pick<FlowPlan, 'devStore' | 'workloads' | 'namespace' | 'jobId'>;
  /** Opens the store of a bucket. Throws ConfigError when its credentials are not known here. */
  readonly open: (bucket: PlannedBucket) => StepObjects;
  /** How long to wait for the result of an object. */
  readonly waitMs: number;
}

const pollMs = 100;
/** Objects of a list whose results are read concurrently. */
const maxConcurrent = 16;
/** Objects of a list. */
const maxListed = 1_000;

/**
 * Moves records through a flow that runs step by step: puts objects into the folders of functions, and reads their results. The
 * functions' replicas run them, so whatever a client does here can be done with any client of the store.
 */
export class StepDesk {
  private readonly dev: PlannedDevStore;
  private readonly store: StepObjects;

  /** Throws StateError `state-invalid` for a flow that does not run step by step. */
  constructor(private readonly ports: StepDeskPorts) {
    const { devStore, namespace, jobId } = ports.plan;
    if (devStore === undefined) {
      const todo = 'submit it with globalConfig.devStore.enabled: true, or start it with kflow run --dev';
      throw new StateError('state-invalid', `${namespace}/${jobId} does not run step by step; ${todo}`);
    }
    this.dev = devStore;
    this.store = ports.open(devStore.bucket);
  }

  folders(): StepFolder[] {
    const { bucket } = this.dev.bucket;
    return this.dev.functions.map(({ function: id, inDir, outDir }) => ({ function: id, bucket, inDir, outDir }));
  }

  /** The objects of a function, or of all, up to a thousand of each. */
  async list(functionId?: string): Promise<StepEntry[]> {
    const all = functionId === undefined ? this.dev.functions : [this.function(functionId)];
    const entries: StepEntry[] = [];
    for (const { function: id } of all) {
      const names: string[] = [];
      for await (const { name } of objectsIn(this.store, this.place(id).bucket, this.place(id).inDir)) {
        if (names.push(name) >= maxListed) break;
      }
      const steps = await new Limit(maxConcurrent).map(names, (name) => this.find(id, name));
      entries.push(...steps.flatMap((step) => (step === undefined ? [] : [entryOf(step)])));
    }
    return entries;
  }

  /** The results that are not in `seen`, by function and name, which is brought up to date. */
  async *newResults(seen: Map<string, string>): AsyncGenerator<Step> {
    const { bucket } = this.dev.bucket;
    for (const { function: id, inDir, outDir } of this.dev.functions) {
      for await (const { name, object } of objectsIn(this.store, bucket, outDir)) {
        const version = JSON.stringify(versionOf(object));
        if (seen.get(`${id} ${name}`) === version) continue;
        seen.set(`${id} ${name}`, version);
        const step = await readResult(this.store, { bucket, inDir, outDir }, name);
        if (step !== undefined) yield step;
      }
    }
  }

  /** Throws StateError `step-missing`. */
  async show(functionId: string, name: string): Promise<Step> {
    const step = await this.find(functionId, name);
    if (step !== undefined) return step;
    const { inDir } = this.function(functionId);
    throw new StateError('step-missing', `${functionId}: no object ${inDir}${name} was put; kflow dev JOB lists them`);
  }

  /** Puts records under a name, or what is there once more, and waits for the result. Throws ConfigError `setting-invalid` for records that do not fit. */
  async step(functionId: string, name: string, records?: readonly unknown[]): Promise<Step> {
    const { bucket, inDir } = this.place(functionId);
    if (records !== undefined) await this.put(functionId, name, records);
    else {
      const content = await getIfThere(this.store, bucket, inDir + name);
      if (content === undefined) return this.show(functionId, name); // throws
      await this.store.put(bucket, inDir + name, content);
    }
    return this.result(functionId, name);
  }

  /** Replaces the records of an object, and runs it. */
  async edit(functionId: string, name: string, records: readonly unknown[]): Promise<Step> {
    await this.show(functionId, name);
    return this.step(functionId, name, records);
  }

  /** Hands the outputs of an object to the functions that read them, and waits for their results. */
  async next(functionId: string, name: string): Promise<Steps> {
    return this.pass(functionId, name, () => true);
  }

  /** Like `next`, again and again, as far as `to`. Ends at a function that fails. */
  async runTo(functionId: string, name: string, to: string): Promise<Steps> {
    this.function(to);
    if (!this.leads(functionId, to) || functionId === to) {
      throw new ConfigError('setting-invalid', `no way leads from "${functionId}" to "${to}"`);
    }
    const steps: Step[] = [];
    const ends = new Set<string>();
    let current: readonly Pick<Step, 'function' | 'name'>[] = [{ function: functionId, name }];
    while (current.length > 0) {
      const reached: Step[] = [];
      for (const each of current) {
        const passed = await this.pass(each.function, each.name, (id) => id === to || this.leads(id, to));
        reached.push(...passed.steps);
        for (const end of passed.ends) ends.add(end);
      }
      steps.push(...reached);
      current = reached.filter((step) => step.state === 'done' && step.function !== to);
    }
    return { steps, ends: [...ends] };
  }

  /** Removes an object and its result: its record ends here. */
  async drop(functionId: string, name: string): Promise<void> {
    await this.show(functionId, name);
    const { bucket, inDir, outDir } = this.place(functionId);
    await this.store.delete(bucket, [inDir + name]); // first, so that a running step writes no result
    await this.store.delete(bucket, [outDir + name]);
  }

  /**
   * The result of `execFnId` for what `simFnId` makes of `cursor`: its result with that name, or records that somebody has put in
   * its place; of a source that lists objects, the record of the object with that key. What was put under the name already is
   * not put again. Throws StateError `step-missing` when there is nothing.
   */
  async simulate({ cursor, execFnId, simFnId }: SimulateRequest): Promise<Step> {
    const exec = this.function(execFnId);
    const simulated = await this.outputsOf(simFnId, { cursor, exec });
    const there = await this.find(execFnId, cursor);
    if (simulated === undefined) {
      if (there === undefined) throw this.nothing({ cursor, execFnId, simFnId });
      return this.result(execFnId, cursor);
    }
    const content = await getIfThere(this.store, this.place(execFnId).bucket, exec.inDir + cursor);
    const isThere = content !== undefined && Buffer.compare(content, renderRecords(simulated)) === 0;
    if (!isThere) await this.put(execFnId, cursor, simulated);
    return this.result(execFnId, cursor);
  }

  /** The records that a function or source has, or would have, emitted for the cursor. */
  private async outputsOf(
    simFnId: string,
    { cursor, exec }: { readonly cursor: string; readonly exec: PlannedSteps },
  ): Promise<readonly unknown[] | undefined> {
    const source = this.dev.sources.find((each) => each.function === simFnId);
    const edges = source === undefined ? this.function(simFnId).next : [];
    const there = await this.outputsAt(
      simFnId,
      cursor,
      edges.filter((edge) => edge.function === exec.function),
    );
    if (there !== undefined || source?.listed === undefined) return there;
    const location = parseS3Location(source.listed.topics);
    const object = await findObject(this.ports.open(source.listed.bucket), location.bucket, cursor);
    if (object === undefined || !isInLocation(location, cursor)) return undefined;
    const { lastModifiedMs } = object;
    return [this.records(exec.function).ofFile({ bucket: location.bucket, key: cursor, lastModifiedMs }).json];
  }

  /** The records in the outDir of a function: those of its result, or what somebody has put in place of a result. */
  private async outputsAt(
    functionId: string,
    name: string,
    edges: readonly { readonly side?: string }[],
  ): Promise<readonly unknown[] | undefined> {
    const { bucket, prefix } = this.dev.bucket;
    const content = await getIfThere(this.store, bucket, `${prefix}${functionId}/out/${name}`);
    if (content === undefined) return undefined;
    const result = parseResult(content);
    const records =
      result === undefined
        ? readValues(Buffer.from(content).toString('utf8'))
        : recordsOf(result, edges.length === 0 ? [{}] : edges);
    return records?.length === 0 ? undefined : records;
  }

  private nothing({ cursor, execFnId, simFnId }: SimulateRequest): StateError {
    const { inDir } = this.place(execFnId);
    const listed = this.dev.sources.find((each) => each.function === simFnId)?.listed;
    const places = [
      ...(listed === undefined ? [] : [`object "${cursor}" at ${listed.topics}`]),
      `records at ${this.dev.bucket.prefix}${simFnId}/out/${cursor}`,
      `object at ${inDir}${cursor}`,
    ];
    return new StateError('step-missing', `${execFnId}: there is no ${places.join(', and no ')}; put one`);
  }

  /** Hands the outputs of an object to those readers that `takes` accepts. */
  private async pass(functionId: string, name: string, takes: (functionId: string) => boolean): Promise<Steps> {
    const { next } = this.function(functionId);
    const result = await this.result(functionId, name);
    if (result.state === 'waiting') {
      throw new StateError(
        'state-invalid',
        `${functionId}: ${name} has not run yet; is a replica of the function running?`,
      );
    }
    const readers = [...new Set(next.filter((edge) => takes(edge.function)).map((edge) => edge.function))];
    const put: { readonly function: string; readonly name: string }[] = [];
    const ends: string[] = [];
    for (const reader of readers) {
      const edges = next.filter((edge) => edge.function === reader);
      const records = recordsOf(result, edges);
      if (records.length === 0) continue;
      if (edges.every(({ isProcess }) => !isProcess)) {
        ends.push(reader);
        continue;
      }
      const as = this.nameAt(reader, functionId, name);
      await this.put(reader, as, records);
      put.push({ function: reader, name: as });
    }
    const steps = await Promise.all(put.map((each) => this.result(each.function, each.name)));
    return { steps, ends };
  }

  /** Functions with several inputs keep the records of each apart. */
  private nameAt(reader: string, from: string, name: string): string {
    const writers = this.dev.functions.filter(({ next }) => next.some((edge) => edge.function === reader));
    return writers.length > 1 ? `${name}@${from}` : name;
  }

  private async put(functionId: string, name: string, records: readonly unknown[]): Promise<void> {
    const { bucket, inDir } = this.place(functionId);
    try {
      this.records(functionId).ofValues(records);
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      throw new ConfigError('setting-invalid', `${functionId}: ${name}: ${error.message}`, { cause: error });
    }
    await this.store.put(bucket, inDir + name, renderRecords(records), 'application/json');
  }

  /** The step when it has a result; after the time to wait, as it is. */
  private async result(functionId: string, name: string): Promise<Step> {
    const deadline = performance.now() + this.ports.waitMs;
    for (;;) {
      const step = await this.show(functionId, name);
      if (step.state !== 'waiting' || performance.now() >= deadline) return step;
      await pause(pollMs);
    }
  }

  private async find(functionId: string, name: string): Promise<Step | undefined> {
    const place = this.place(functionId);
    const object = await findObject(this.store, place.bucket, place.inDir + name);
    if (object === undefined) return undefined;
    const result = await readResult(this.store, place, name);
    if (result !== undefined && isResultOf(result, object)) return result;
    const none = { inputs: [], outputs: [], sideOutputs: {}, errors: [] };
    return { function: functionId, name, run: result?.run ?? 0, ...none, state: 'waiting' };
  }

  private leads(from: string, to: string, seen = new Set<string>()): boolean {
    if (seen.has(from)) return false;
    seen.add(from);
    const next = this.dev.functions.find((each) => each.function === from)?.next ?? [];
    return next.some((edge) => edge.function === to || this.leads(edge.function, to, seen));
  }

  private records(functionId: string): StepRecords {
    const { steps } = this.ports.plan.workloads.find((each) => each.function === functionId)?.spec ?? {};
    return new StepRecords({ schemas: steps?.schemas ?? [], takesFiles: steps?.takesFiles });
  }

  private place(functionId: string): StepPlace {
    const { inDir, outDir } = this.function(functionId);
    return { bucket: this.dev.bucket.bucket, inDir, outDir };
  }

  /** Throws ConfigError `edge-unknown`. */
  private function(functionId: string): PlannedSteps {
    const found = this.dev.functions.find((each) => each.function === functionId);
    if (found !== undefined) return found;
    const known = this.dev.functions.map((each) => each.function).join(', ');
    throw new ConfigError('edge-unknown', `no process has the id "${functionId}"; step by step run: ${known}`);
  }
}

/** The records of a result that come over these edges. */
function recordsOf({ outputs, sideOutputs }: Step, edges: readonly { readonly side?: string }[]): readonly unknown[] {
  return edges.flatMap(({ side }) => (side === undefined ? outputs : (sideOutputs[side] ?? [])));
}

function entryOf({ function: id, name, state, run, endedAt, error, inputs, outputs }: Step): StepEntry {
  return {
    function: id,
    name,
    state,
    run,
    inputs: inputs.length,
    outputs: outputs.length,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(error === undefined ? {} : { error }),
  };
}
