import { planFlow } from '../../../lib/plan/plan-flow';
import { readTopology } from '../../../lib/topology/read-topology';
import { compileFunction } from '../../../runtime/hosts/typescript/compile';
import { type CompiledCode, loadFunction } from '../../../runtime/hosts/typescript/process/load';
import { flow } from './words-flow';

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function topologyOf() {
  const { topology, problems } = readTopology(JSON.stringify(flow.document()), {
    file: 'words',
    defaultJobId: 'words',
  });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return { topology, problems };
}

test('a flow with inline functions is a topology without problems or warnings', () => {
  const { topology, problems } = topologyOf();
  expect(problems).toEqual([]);
  expect(topology).toMatchObject({ jobId: 'words', namespace: 'demo', mode: 'stream' });
  expect(topology.dag.map(({ id, out, sideOuts }) => [id, out, sideOuts.map((side) => [side.id, side.out])])).toEqual([
    ['lines', ['split'], []],
    ['split', ['log'], [['empty', ['log']]]],
    ['log', [], []],
  ]);
});

test('the document contains the code of a function', () => {
  expect(flow.document().dag[2]?.meta).toEqual({
    language: 'javascript',
    name: 'run',
    code: '"use strict";\nconst run = (ctx, event) => ctx.logger.info(event.key);\n',
  });
});

test('the document has the same bytes each time', () => {
  expect(JSON.stringify(flow.document())).toBe(JSON.stringify(flow.document()));
});

test('the host runs the functions as they were written', () => {
  const [lines, split] = planFlow(topologyOf().topology, {}).workloads.map(
    ({ spec }) =>
      loadFunction(
        { ...(compileFunction({ spec, baseDir: __dirname }) as CompiledCode), entry: spec.entry },
        logger,
        () => false,
      )?.entry,
  );
  expect(Array.from(lines?.() as Iterable<unknown>)).toEqual([
    { key: 'a', text: 'one longer' },
    { key: 'b', text: '' },
  ]);
  const aside: unknown[] = [];
  const context = { meta: { limit: 4 }, toSideStream: (...given: unknown[]) => aside.push(given) };
  expect(split?.(context, { key: 'a', text: 'one longer' })).toEqual([
    { key: 'a', word: 'one', size: 'short' },
    { key: 'a', word: 'longer', size: 'long' },
  ]);
  expect(split?.(context, { key: 'b', text: '' })).toEqual([]);
  expect(aside).toEqual([['empty', { key: 'b', at: 0 }]]);
});
