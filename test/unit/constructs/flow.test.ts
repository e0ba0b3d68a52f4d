import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App, Testing, Yaml } from 'cdk8s';
import { Flow } from '../../../lib/constructs/flow';

const file = path.join(__dirname, '../../../examples/quickstart/topology.yaml');
const text = readFileSync(file, 'utf8');

function synth(): { kind: string; metadata: { name: string }; spec?: unknown; data?: Record<string, string> }[] {
  return Testing.synth(Flow.fromTopology(new App(), 'quickstart', text, file));
}

test('renders streams, consumers and a Job for each function of a batch flow', () => {
  const names = synth().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names).toEqual([
    'Stream kflow--default--quickstart--list',
    'Stream kflow--default--quickstart--count',
    'Stream kflow--default--quickstart--longest',
    'Stream kflow--default--quickstart----dead',
    'Consumer kflow--default--quickstart--list--count',
    'Consumer kflow--default--quickstart--count--longest',
    'Consumer kflow--default--quickstart--longest--results',
    ...['list', 'count', 'longest', 'results'].flatMap((fn) => [
      `ConfigMap quickstart--${fn}`,
      `Job quickstart--${fn}`,
    ]),
  ]);
});

test('gives the same bytes each time, and no credential in them', () => {
  const bytes = Yaml.stringify(...synth());
  expect(Yaml.stringify(...synth())).toBe(bytes);
  expect(bytes).not.toContain('minioadmin');
});

test('renders a Deployment in stream mode', () => {
  const stream = text.replace('mode: batch', 'mode: stream');
  const kinds = Testing.synth(Flow.fromTopology(new App(), 'quickstart', stream, file)).map(
    ({ kind }: { kind: string }) => kind,
  );
  expect(kinds.filter((kind: string) => kind === 'Deployment')).toHaveLength(4);
});

test('throws every problem of a topology', () => {
  const broken = text.replace('fs-source', 'fs-sauce').replace('[count]', '[cuont]');
  expect(() => Flow.fromTopology(new App(), 'quickstart', broken, 'broken.yaml')).toThrow(
    /did you mean "fs-source"\?[\s\S]*did you mean "count"\?/,
  );
});
