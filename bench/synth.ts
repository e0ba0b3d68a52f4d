import { execFileSync } from 'node:child_process';
import { App } from 'cdk8s';
import { Flow } from '../lib/constructs/flow';
import { FlowApp } from '../lib/constructs/flow-app';
import type { Topology } from '../lib/topology/document/topology';
import { readTopology } from '../lib/topology/read-topology';
import { median } from './quantile';

const sizes = [1_000, 2_000, 3_000, 4_000, 5_000];
const rounds = 5;

/** Figures of one synthesis in its own process. */
interface Measure {
  readonly seconds: number;
  readonly peakMb: number;
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Measures the synthesis of topologies of 1,000 to 5,000 functions from the topology to the YAML text, each in its own
 * process: median time, peak memory, and the exponent of time as a function of size (1 is linear). For comparison, stock
 * cdk8s synthesizes the same constructs at the smallest size.
 */
export async function benchSynth(): Promise<void> {
  const medians = sizes.map((size) => {
    const runs = Array.from({ length: rounds }, () => measureApart(size, 'flow-app'));
    return { size, ...medianOf(runs) };
  });
  const stock = medianOf(Array.from({ length: rounds }, () => measureApart(sizes[0] ?? 0, 'stock')));
  const format = (value: number) => Math.round(value).toLocaleString('en-US');
  process.stdout.write(`synth, from topology to YAML, medians of ${rounds}:\n`);
  for (const { size, seconds, peakMb, objects, bytes } of medians) {
    const text = `${format(objects)} objects, ${(bytes / 1e6).toFixed(1)} MB`;
    process.stdout.write(`  ${format(size)} functions (${text}): ${seconds.toFixed(2)} s, peak ${format(peakMb)} MB\n`);
  }
  process.stdout.write(`  growth of time with size: exponent ${exponent(medians).toFixed(2)} (1 is linear)\n`);
  process.stdout.write(
    `  stock cdk8s, ${format(sizes[0] ?? 0)} functions: ${stock.seconds.toFixed(2)} s, peak ${format(stock.peakMb)} MB\n`,
  );
}

/** Measures one synthesis; called in the process `synth-once SIZE KIND`. */
export function synthesizeOnce(size: number, kind: string): void {
  const topology = chain(size);
  const before = performance.now();
  const app = kind === 'stock' ? new App() : new FlowApp();
  const flow = new Flow(app, 'bench', topology);
  const text = app instanceof FlowApp ? [...app.texts().values()].join('---\n') : app.synthYaml();
  const seconds = (performance.now() - before) / 1_000;
  const objects = flow.node.findAll().filter((construct) => 'kind' in construct).length;
  const measure: Measure = { seconds, objects, bytes: text.length, peakMb: process.resourceUsage().maxRSS / 1024 };
  process.stdout.write(JSON.stringify(measure));
}

function measureApart(size: number, kind: string): Measure {
  const output = execFileSync(process.execPath, [`${__dirname}/synth-once.js`, String(size), kind], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

function medianOf(runs: readonly Measure[]): Measure {
  const of = (key: keyof Measure) => median(runs.map((run) => run[key]));
  return { seconds: of('seconds'), peakMb: of('peakMb'), objects: of('objects'), bytes: of('bytes') };
}

/** A stream flow of this many functions, each with its own schema and code. */
function chain(size: number): Topology {
  const dag = Array.from({ length: size }, (_, index) => ({
    id: `f${index}`,
    type: index === 0 ? 'raw-source' : 'raw',
    schema: {
      type: 'record',
      name: `r${index}`,
      fields: [
        { name: 'key', type: 'string' },
        { name: 'n', type: 'long' },
      ],
    },
    meta: { name: 'process', code: `def process(ctx, event):\n    return {"key": event["key"], "n": ${index}}\n` },
    ...(index + 1 < size ? { out: [`f${index + 1}`] } : {}),
  }));
  const { topology, problems } = readTopology(JSON.stringify({ jobId: 'bench', dag }), {
    file: 'bench',
    defaultJobId: 'b',
  });
  if (topology === undefined) throw new Error(JSON.stringify(problems.slice(0, 3)));
  return topology;
}

/** Slope of log(time) over log(size), by least squares. */
function exponent(points: readonly { readonly size: number; readonly seconds: number }[]): number {
  const logs = points.map(({ size, seconds }) => ({ x: Math.log(size), y: Math.log(seconds) }));
  const mean = (key: 'x' | 'y') => logs.reduce((sum, point) => sum + point[key], 0) / logs.length;
  const [mx, my] = [mean('x'), mean('y')];
  const up = logs.reduce((sum, { x, y }) => sum + (x - mx) * (y - my), 0);
  return up / logs.reduce((sum, { x }) => sum + (x - mx) ** 2, 0);
}
