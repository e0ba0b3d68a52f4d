import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HostRun, numbered, withHost } from '../../support/host-run';

const sdk = path.join(__dirname, '../../../sdk/python');
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-program-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = (ack: string) => `from kfbasicpy.runtime.basic import BasicRuntime, AckProps
from doubling import Doubling

if __name__ == "__main__":
    runtime = BasicRuntime(${ack})
    runtime.add_process_function(Doubling())
    runtime.run()
    print("never printed")
`;

beforeAll(() => {
  writeFileSync(
    path.join(folder, 'doubling.py'),
    `from kfbasicpy.function.function import ProcessFunction
class Doubling(ProcessFunction):
    def open(self, schema_in, ctx):
        print(schema_in)
    def process(self, event_dict, ctx):
        ctx.request_ack()
        return {"n": event_dict["n"] * 2}
`,
  );
  writeFileSync(path.join(folder, 'manual.py'), program('AckProps(manual=True)'));
  writeFileSync(path.join(folder, 'auto.py'), program(''));
});

describe('the program of an image', () => {
  test('is loaded as a module: its BasicRuntime gives the function, and how it acks', () =>
    withHost(
      undefined,
      async (host) => {
        expect(host.host.acksManually).toBe(true);
        await host.processAll(numbered, [{ n: 4 }]);
        expect(host.outputsOf(0)).toEqual([{ n: 8 }]);
        expect(host.order).toEqual([`INFO ${JSON.stringify(numbered)}`, 'ack requested 0', 'output 0', 'done 0']);
      },
      { module: 'manual.py', baseDir: folder, schema: numbered, inputSchema: numbered },
    ));

  test('acks when the function returns unless it says otherwise', () =>
    withHost(
      undefined,
      async (host) => {
        expect(host.host.acksManually).toBe(false);
        await host.processAll(numbered, [{ n: 4 }]);
        expect(host.logs).toEqual([
          ['INFO', 'None'],
          ['WARNING', 'ctx.request_ack has no effect; set meta.ack: manual'],
        ]);
      },
      { module: 'auto.py', baseDir: folder, schema: numbered, inputSchema: undefined },
    ));

  test.each([
    ['does not run its runtime', 'BasicRuntime()', 'does not run it; call runtime.run()'],
    ['has no function', 'BasicRuntime().run()', 'the runtime has no function'],
    [
      'has two functions',
      'r = BasicRuntime(); r.add_process_function(F()); r.add_process_function(F())',
      'one process',
    ],
    ['has a function of another kind', 'BasicRuntime().add_process_function(print)', 'expected an instance of'],
  ])('is refused when it %s', async (_, code, message) => {
    const head = 'from kfbasicpy.runtime.basic import BasicRuntime\nclass F(ProcessFunction): pass\n';
    const { host } = new HostRun({ code: head + code });
    await expect(host.open()).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(message),
    });
  });

  test('starts the replica with itself as the code, and with its own Python', async () => {
    const node = path.join(folder, 'node');
    writeFileSync(node, '#!/bin/sh\necho "$1 $KFLOW_PROGRAM $KFLOW_PYTHON"\n');
    chmodSync(node, 0o755);
    const home = path.join(folder, 'home');
    const replica = 'dist/js/runtime/replica/main.js';
    expect(await runProgram({ PATH: `${folder}:${process.env.PATH}`, KFLOW_SPEC: 'spec.json' })).toMatch(
      new RegExp(`^${path.join(sdk, '../..', replica)} ${folder}/manual.py /\\S*python3\\S*\n$`),
    );
    expect(await runProgram({ PATH: process.env.PATH, KFLOW_HOME: home })).toContain('kflow run with meta.module');
  });
});

/** What the program prints, to its standard output or error. */
async function runProgram(env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('python3', [path.join(folder, 'manual.py')], { env: { ...env, PYTHONPATH: sdk } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  await once(child, 'close');
  return text;
}
