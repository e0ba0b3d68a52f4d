import path from 'node:path';
import type { FlowPlan } from '../../lib/plan/flow-plan';
import { type OutputSpec, outputsOf } from '../../lib/plan/function-spec';
import { outputSchemasOf } from '../../lib/plan/input-schema';
import { deadLetterStream, streamName } from '../../lib/plan/names';
import { type Upstream, upstreamsOf } from '../../lib/topology/document/graph';
import type { TestDocument } from '../../lib/topology/document/test-case-schema';
import type { FlowFunction, Topology } from '../../lib/topology/document/topology';
import { descriptorOf, kindOf, withArticle } from '../../lib/topology/function-types/function-type';
import { suggest } from '../../lib/topology/problem/nearest-name';
import { formatPath } from '../../lib/topology/problem/problem';
import { type Expected, readExpected } from './expected';
import type { Fault } from './fault';
import type { Interruption } from './interruptions';
import { parseLine } from './parse-line';
import { encodeRecord, type RecordList, readRecords } from './read-records';
import type { TestedEdge, TestPlan } from './test-plan';
import { testedChain } from './tested-chain';
import { testedFunction } from './tested-functions';

/** The topology of a test, and where files are. */
export interface TestPlace {
  readonly topology: Topology;
  /** Of `planInMemory`. */
  readonly flow: FlowPlan;
  /** Folder of the topology. */
  readonly baseDir: string;
  /** Folder of the file with the test, to which its files are relative. */
  readonly folder: string;
}

const defaultTimeoutSeconds = 60;

/** Plans a test. Returns every fault of the test instead, if there is one. */
export function planTest(
  test: TestDocument,
  place: TestPlace,
): { readonly plan: TestPlan; readonly expected: Expected } | { readonly faults: readonly Fault[] } {
  const { topology, flow, folder, baseDir } = place;
  const known = topology.dag.map(({ id }) => id);
  const first = topology.dag.find(({ id }) => id === test.function);
  if (first === undefined) {
    const message = `no function has the id "${test.function}"${suggest(test.function, known)}`;
    return { faults: [{ path: ['function'], message }] };
  }
  const faults: Fault[] = [];
  const isSource = kindOf(first.type) === 'source';
  const runs = !isSource || test.input === undefined;
  if (isSource && runs && descriptorOf(first.type).code === 'none') {
    const message = `a test does not run ${withArticle(first.type)}; write what it emits as the input`;
    return { faults: [{ path: ['function'], message }] };
  }
  const chain = testedChain(topology, { first, to: test.to, runs }, faults);
  if (faults.length > 0) return { faults };
  const { input, interruptions } = new InputPlanner(place, { test, first, chain }, faults).plan();
  const edges = chain.flatMap((fn) => edgesOf(topology, fn));
  const expected = readExpected(test, { edges, ends: endsOf(topology, chain), folder }, faults);
  if (faults.length > 0) return { faults };
  const buckets = Object.entries(test.buckets ?? {}).map(([name, dir]) => [name, path.resolve(folder, dir)] as const);
  const plan: TestPlan = {
    functions: chain.map((fn) => testedFunction(topology, flow, { fn, test })),
    input,
    interruptions,
    ...(isSource && runs && test.records !== undefined
      ? { limit: { stream: streamName(topology, first.id), records: test.records } }
      : {}),
    edges,
    schemas: topology.dag.flatMap((fn) => outputsOfFunction(fn).flatMap((output) => outputSchemasOf(topology, output))),
    deadLetters: deadLetterStream(topology),
    baseDir,
    buckets: Object.fromEntries(buckets),
    timeoutMs: (test.timeout ?? defaultTimeoutSeconds) * 1_000,
  };
  return { plan, expected };
}

/** `FUNCTION`, or `FUNCTION.SIDE`. */
export function edgeName({ from, side }: Upstream): string {
  return side === undefined ? from : `${from}.${side}`;
}

function edgesOf(topology: Topology, fn: FlowFunction): readonly TestedEdge[] {
  if (kindOf(fn.type) === 'sink') return [{ name: fn.id, is: 'sink', function: fn.id }];
  return outputsOfFunction(fn).map((output) => {
    return { name: edgeName(output), is: 'stream', stream: streamName(topology, output.from, output.side) };
  });
}

/** The main outputs, and what sinks write, that no function of the test reads. */
function endsOf(topology: Topology, chain: readonly FlowFunction[]): readonly string[] {
  const read = new Set(chain.flatMap(({ id }) => upstreamsOf(topology, id).map(edgeName)));
  return chain.map(({ id }) => id).filter((id) => !read.has(id));
}

function outputsOfFunction({ id, sideOuts }: FlowFunction): readonly Upstream[] {
  return [{ from: id }, ...sideOuts.map((side) => ({ from: id, side: side.id }))];
}

/** Plans the messages of the outputs that a test writes, and the lines between them. */
class InputPlanner {
  private readonly input: { readonly output: OutputSpec; readonly payloads: readonly Uint8Array[] }[] = [];
  private readonly interruptions: Interruption[] = [];
  /** The outputs that the test may write: those that its first function reads or, of a source, writes. */
  private readonly outputs: readonly Upstream[];

  constructor(
    private readonly place: TestPlace,
    private readonly parts: {
      readonly test: TestDocument;
      readonly first: FlowFunction;
      readonly chain: readonly FlowFunction[];
    },
    private readonly faults: Fault[],
  ) {
    const { first } = parts;
    this.outputs = kindOf(first.type) === 'source' ? outputsOfFunction(first) : upstreamsOf(place.topology, first.id);
  }

  plan(): Pick<TestPlan, 'input' | 'interruptions'> {
    const { input = [] } = this.parts.test;
    if (typeof input === 'string' || Array.isArray(input)) this.addSole(input);
    else for (const [name, list] of Object.entries(input)) this.addNamed(name, list);
    return { input: this.input, interruptions: this.interruptions };
  }

  private addSole(list: string | readonly unknown[]): void {
    const { first } = this.parts;
    const [output, ...others] = this.outputs;
    if (output === undefined || (others.length > 0 && kindOf(first.type) !== 'source')) {
      const names = this.outputs.map(edgeName).join(', ');
      const message = `${first.id} reads several outputs; write a map from their names to records: ${names}`;
      this.faults.push({ path: ['input'], message });
      return;
    }
    this.add(output, list, ['input']);
  }

  private addNamed(name: string, list: string | readonly unknown[]): void {
    const { first } = this.parts;
    const output = this.outputs.find((each) => edgeName(each) === name);
    if (output !== undefined) {
      this.add(output, list, ['input', name]);
      return;
    }
    const verb = kindOf(first.type) === 'source' ? 'writes' : 'reads';
    const message = `${first.id} ${verb} no output "${name}"${suggest(name, this.outputs.map(edgeName))}`;
    this.faults.push({ path: ['input', name], message });
  }

  private add(output: Upstream, written: string | readonly unknown[], at: readonly (string | number)[]): void {
    const { topology, folder } = this.place;
    const stream = streamName(topology, output.from, output.side);
    const schemas = outputSchemasOf(topology, output);
    const { items } = readRecords(written, { at, folder }, this.faults);
    if (schemas.length === 0 && items.length > 0) {
      const message = `the records of ${edgeName(output)} have no schema; add one to ${output.from}`;
      this.faults.push({ path: at, message });
      return;
    }
    const messages: Uint8Array[] = [];
    for (const item of items) {
      if (typeof item.value === 'string')
        this.addLine(output, item, Math.max(1, messages.length), messages.length === 0);
      else messages.push(encodeRecord(schemas, item, this.faults) ?? new Uint8Array());
    }
    const specs = this.place.flow.workloads.flatMap(({ spec }) => outputsOf(spec));
    const planned = specs.find((each) => each.stream === stream);
    if (planned !== undefined) this.input.push({ output: planned, payloads: messages });
  }

  /** A line in front of the first record ends the replica when it has got that one. */
  private addLine(
    output: Upstream,
    { path: at, value }: RecordList['items'][number],
    sequence: number,
    isInFront: boolean,
  ): void {
    const { topology } = this.place;
    const line = parseLine(String(value));
    if ('fault' in line) {
      this.faults.push({ path: at, message: line.fault });
      return;
    }
    const target = this.interrupted(output, line.function);
    if (typeof target !== 'string') {
      this.faults.push({ path: at, message: target.fault });
      return;
    }
    const fn = this.parts.chain.find(({ id }) => id === target);
    const isSink = fn !== undefined && kindOf(fn.type) === 'sink';
    const moment = isInFront ? 'start' : isSink && line.moment === 'output' ? 'ack' : line.moment;
    const root = { stream: streamName(topology, output.from, output.side), sequence };
    this.interruptions.push({ kind: line.kind, function: target, moment, root, path: formatPath(at) });
  }

  /** The function that a line ends: the named one, or the one that reads the input. */
  private interrupted(output: Upstream, named: string | undefined): string | { readonly fault: string } {
    const { chain, first } = this.parts;
    const ids = chain.map(({ id }) => id);
    if (named !== undefined && !ids.includes(named)) {
      return { fault: `the test runs no function "${named}"${suggest(named, ids)}` };
    }
    if (named !== undefined) return named;
    if (ids.includes(first.id)) return first.id;
    const readers = ids.filter((id) =>
      upstreamsOf(this.place.topology, id).some(({ from, side }) => from === output.from && side === output.side),
    );
    const [only, ...others] = readers;
    if (only !== undefined && others.length === 0) return only;
    return { fault: `several functions read ${edgeName(output)}; name one, as in "crash ${only}"` };
  }
}
