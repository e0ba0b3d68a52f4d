import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { type RunningApi, startApi } from '../../../../runtime/controller/api/api-server';
import { MemoryFlows } from '../../../support/memory-flows';
import { document, open } from './support';

let api: RunningApi;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kflow-curl-'));
  await writeFile(path.join(folder, 'topology.json'), JSON.stringify(parse(document), undefined, 2));
  await writeFile(path.join(folder, 'topology.yaml'), document);
  api = await startApi({ service: new MemoryFlows(), access: open, log: () => undefined, host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

/** Runs a command line of the specification, whose controller is on port 9080 of localhost. */
async function shell(line: string): Promise<unknown> {
  const here = line.replaceAll('http://localhost:9080', api.url);
  const { stdout } = await promisify(execFile)('bash', ['-ec', here], { cwd: folder });
  return JSON.parse(stdout);
}

const submit =
  'curl -s -XPOST -H "Content-Type: application/json" --data-binary @topology.json http://localhost:9080/kflows/v1/jobx/jobx';

test("the specification's curl commands start, stop, show, resume, update and delete a flow", async () => {
  expect(await shell(submit)).toMatchObject({ status: 'Running', closeTime: null });
  expect(await shell('curl -s -XDELETE http://localhost:9080/kflows/v1/jobx/jobx/stop=true')).toMatchObject({
    status: 'Stopped',
  });
  expect(await shell('curl -s -XGET http://localhost:9080/kflows/v1/jobx?id=jobx')).toEqual([
    expect.objectContaining({
      closeTime: expect.any(String),
      devInsOuts: [],
      execution: { workflow_id: 'jobx', run_id: expect.any(String) },
      startTime: expect.any(String),
      status: 'Stopped',
      type: { name: 'KFlowDSL' },
    }),
  ]);
  expect(await shell('curl -s -XDELETE http://localhost:9080/kflows/v1/jobx/jobx')).toMatchObject({ status: 409 });
  expect(await shell(submit)).toMatchObject({ status: 'Running' });
  expect(
    await shell(
      'cat topology.json | curl -s -XPOST -H "Content-Type: application/json" --data-binary @- "http://localhost:9080/kflows/update/v1"',
    ),
  ).toMatchObject({ status: 'Running' });
  expect(await shell('curl -s http://localhost:9080/kflows/v1/jobx')).toHaveLength(1);
  expect(await shell('curl -s -XDELETE http://localhost:9080/kflows/v1/jobx/jobx/force=true')).toMatchObject({
    status: 'Terminated',
  });
});

test('accepts a document without a content type', async () => {
  const line = (data: string) => `curl -s -XPOST ${data} http://localhost:9080/kflows/v1/jobx/jobx`;
  expect(await shell(line('-d @topology.yaml'))).toMatchObject({ detail: expect.stringContaining('--data-binary') });
  expect(await shell(line('-d @topology.json'))).toMatchObject({ status: 'Running' });
  expect(await shell(line('--data-binary @topology.yaml'))).toMatchObject({ code: 'flow-exists' });
  expect(await shell(line('-H "Content-Type:" --data-binary @topology.yaml'))).toMatchObject({ code: 'flow-exists' });
});
