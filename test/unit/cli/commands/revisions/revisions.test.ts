import { kflow } from '../../support';
import { TestController } from '../flows/support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start();
});
afterEach(() => controller.close());

const double = `component: Double
inputs: { n: { type: int, default: 1 } }
outputs: { twice: { type: int } }
module: double.py
`;

/** Writes the component with the code that multiplies. */
function component(factor = 2): string {
  controller.place.write('double.py', `def main(*, n):\n    return {"twice": ${factor} * n}\n`);
  return controller.place.write('double.yaml', double);
}

const run = (...words: readonly string[]) => controller.kflow(...words);

test('a component is published with the code of its module, released, shown and compared', async () => {
  const first = await run('publish', component(), '--tag', '1.0.0');
  expect([first.status, first.stdout, first.stderr]).toEqual([
    0,
    expect.stringMatching(/^Double:1\.0\.0 \([0-9a-f-]{36}\): created, Draft\n$/),
    expect.stringContaining('kflow revisions release'),
  ]);
  expect(await run('revisions', 'release', 'Double:1.0.0')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Double:1\.0\.0 \(.*\): Released\n$/),
  });
  await run('publish', component(3), '--tag', '1.1.0', '--release');
  const { stdout } = await run('revisions', 'show', 'Double');
  expect(stdout).toContain('state      Released (latest)\n');
  expect(stdout).toContain('inputs     n: int = 1\noutputs    twice: int\n');
  expect(stdout).toContain('    return {"twice": 3 * n}\n');
  expect(stdout).not.toContain('module');
  const diff = await run('revisions', 'diff', 'Double:1.0.0', 'Double');
  expect([diff.status, diff.stdout]).toEqual([
    2,
    expect.stringContaining('-      return {"twice": 2 * n}\n+      return {"twice": 3 * n}\n'),
  ]);
  expect((await run('revisions', 'diff', 'Double', 'Double:latest')).status).toBe(0);
});

test('a list has states, and says how to begin when it is empty', async () => {
  expect(await run('revisions', 'list')).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('kflow publish FILE'),
  });
  await run('publish', component(), '--tag', '1', '--release');
  await run('publish', component(3), '--tag', '2', '--group', 'Other');
  const { stdout } = await run('revisions', 'list');
  expect(stdout).toMatch(/^Double:1 +Released \(latest\) /m);
  expect(stdout).toMatch(/^Other:2 +Draft /m);
  expect((await run('revisions', 'list', '--state', 'Draft', '-A')).stdout).not.toContain('Double:1');
  expect((await run('revisions', 'disable', 'Double:1')).stdout).toContain('Disabled');
  expect((await run('revisions', 'delete', 'Other:2')).stdout).toBe('Other:2: deleted\n');
  expect(JSON.parse((await run('revisions', 'list', '-o', 'json')).stdout)).toHaveLength(1);
});

test('what cannot be published is refused before it is sent', async () => {
  const untagged = await run('publish', component());
  expect([untagged.status, untagged.stderr]).toEqual([
    64,
    expect.stringContaining('double.yaml has no tag; add --tag'),
  ]);
  const file = controller.place.write('bad.yaml', 'component: Bad\noutputs: {}\nmodule: nowhere.py\n');
  const missing = await run('publish', file, '--tag', '1');
  expect([missing.status, missing.stderr]).toEqual([
    1,
    expect.stringContaining('bad.yaml:3:9  module  cannot read the module nowhere.py: no such file'),
  ]);
  expect(missing.stderr).toContain('bad.yaml has errors; nothing was published');
  expect((await kflow('lint', file)).stdout).toContain('cannot read the module nowhere.py');
});

test('lint checks components beside topologies', async () => {
  component();
  const { status, stdout } = await kflow('lint', controller.place.folder);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/double\.yaml: ok\n/)]);
});
