import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { valueBucket } from '../../../lib/plan/task-names';
import { TaskFailure } from '../../support/bare-worker';
import { ExecutionPlace } from './execution-place';

const by = { by: 'tester' };
const large = { n: 7, text: 'x'.repeat(200_000) };
const list = Array.from({ length: 40 }, (_, at) => ({ at, text: 'y'.repeat(50_000) }));

let place: ExecutionPlace;
let server: Server;
let url: string;

beforeAll(async () => {
  place = await ExecutionPlace.open('large');
  server = createServer(async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ path: request.url, length, text: 'z'.repeat(100_000) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server?.close();
  await place?.close();
});

test('guards, merges, maps and templates see the values that are too large for messages', async () => {
  await place.worker(
    {
      big: () => large,
      list: () => list,
      one: ({ input }) => (input as { at: number }).at,
      echo: ({ input }) => input,
      keys: ({ input }) => Object.keys(input as object),
    },
    'v',
  );
  const guarded = await place.run('v:big → ? `$[?(@.n = 8)]` v:keys');
  expect(guarded).toMatchObject({ status: 'Completed', output: large });
  const merged = await place.run('{ v:big <- more: 1 -> → v:echo } → > v:keys');
  expect(merged).toMatchObject({ status: 'Completed', output: ['n', 'text', 'more'] });
  const joined = await place.run('{ v:big v:big } → v:echo');
  expect(joined).toMatchObject({ status: 'Completed', output: [large, large] });
  const mapped = await place.run('v:list → * v:one');
  expect(mapped).toMatchObject({ status: 'Completed', output: list.map(({ at }) => at) });
  const called = await place.run(`v:big → request:post(- url: '${url}/{input[n]}' -)`);
  const response = { path: '/7', length: JSON.stringify(large).length, text: 'z'.repeat(100_000) };
  expect(called).toMatchObject({ status: 'Completed', output: { response } });
  const memoized = '@task v:big with (- memoize: {key: one} -) v:big → ? `$.n` v:echo';
  for (const time of [1, 2]) expect([time, await place.run(memoized)]).toMatchObject([time, { output: large }]);
});

test('a large input is whole for the first step and for who reads it, and is that of the user', async () => {
  await place.worker({ length: ({ input }) => JSON.stringify(input).length }, 'w');
  const input = { text: 'i'.repeat(3_000_000), $claim: { key: 'x', bytes: 1 } };
  expect(await place.run('w:length', input)).toMatchObject({ output: JSON.stringify(input).length, input });
});

test('outputs that are large together are objects, are whole for what follows, and are removed with their execution', async () => {
  const random = () => randomBytes(6_000).toString('base64');
  await place.worker(
    { random: ({ input }) => ({ at: input, text: random() }), at: ({ input }) => (input as { at: number }).at },
    'm',
  );
  const items = Array.from({ length: 400 }, (_, at) => at);
  const detail = await place.run('* m:random → * { ? `$[?(@.at >= 0)]` m:at }', items);
  expect(detail).toMatchObject({ status: 'Completed', output: items });
  const outputs = detail.steps.filter(({ task }) => task === 'm:random').map(({ output }) => output);
  const claims = outputs.filter((output) => Object.hasOwn(output as object, '$claim'));
  expect(claims.length).toBeGreaterThan(100);
  expect(JSON.stringify(outputs).length).toBeLessThan(2_500_000);
  const connection = await place.controller.connect('large');
  const objects = async () =>
    (await (await connection.jetstream().views.os(valueBucket('large'))).list())
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${detail.execution}/`));
  expect(await objects()).not.toEqual([]);
  await place.service.delete(detail, by);
  expect(await objects()).toEqual([]);
  await connection.close();
});

test('an archive has the values; a delete removes them, and the archive can be resumed', async () => {
  let isBroken = true;
  const fail = () => {
    if (isBroken) throw new TaskFailure({ code: 'broken', message: 'not yet' });
    return large;
  };
  await place.worker({ big: () => large, fail, length: ({ input }) => JSON.stringify(input).length }, 'r');
  const failed = await place.run('{ r:big r:fail } → r:length');
  expect(failed).toMatchObject({ status: 'Failed' });
  const archive = JSON.parse(JSON.stringify(await place.service.archive(failed)));
  const objects = async () => {
    const connection = await place.controller.connect('large');
    const infos = await (await connection.jetstream().views.os(valueBucket('large'))).list();
    await connection.close();
    return infos.map(({ name }) => name).filter((name) => name.startsWith(`${failed.execution}/`));
  };
  expect(await objects()).not.toEqual([]);
  await place.service.delete(failed, by);
  expect(await objects()).toEqual([]);
  isBroken = false;
  const restored = await place.service.restore('large', { archive }, by);
  await place.service.resume(restored, {}, by);
  const output = JSON.stringify([large, large]).length;
  expect(await place.ended(restored)).toMatchObject({ status: 'Completed', output });
});
