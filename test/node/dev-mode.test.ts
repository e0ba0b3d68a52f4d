import type { Step } from '../../runtime/api-contract/steps';
import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { apply, kubectl, listObjects, makeNamespace, openStore, readNode } from './stage/node';

const jobId = 'stepped';
const storeAddress = 'minio.default.svc:9000';
const store = openStore();
let controller: InstalledController;
beforeAll(async () => {
  controller = await InstalledController.open();
});
afterAll(() => store.close());

/** A source that lists objects, a function in each language, and a sink. Its buckets have the name of its namespace. */
function steppedDocument(namespace: string, account: object): object {
  const at = { addr: storeAddress, ...account };
  const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };
  const container = { resources: { requests: { cpu: '20m', memory: '64Mi' } } };
  const measure = [
    'import os',
    'def measure(ctx, event):',
    '    return {"n": os.path.getsize(ctx.get_downloader_local_object_url())}',
  ];
  const double = [
    'import time',
    'def double(ctx, event):',
    '    time.sleep(0.5)',
    '    if event["n"] < 0: raise ValueError("below 0")',
    '    return {"n": event["n"] * 2}',
  ];
  const label =
    'export const label = (ctx: unknown, event: { n: number }) => [{ n: event.n + 1 }, { n: event.n + 2 }];';
  return {
    jobId,
    namespace,
    mode: 'batch',
    globalConfig: { devStore: { enabled: true, topics: namespace, ...at } },
    dag: [
      { id: 'list', type: 'fs-source', format: 'list', topics: `s3a://${namespace}`, ...at, out: ['measure'] },
      {
        id: 'measure',
        type: 'raw',
        schema,
        globalConfig: { store: { autoDownload: true, ...at } },
        meta: { name: 'measure', code: measure.join('\n'), container },
        out: ['double'],
      },
      {
        id: 'double',
        type: 'raw',
        schema,
        meta: { name: 'double', code: double.join('\n'), container },
        out: ['label'],
      },
      {
        id: 'label',
        type: 'raw',
        schema,
        meta: { name: 'label', language: 'typescript', code: label, container },
        out: ['results'],
      },
      { id: 'results', type: 's3-sink', topics: `s3a://${namespace}-results`, ...at, meta: { container } },
    ],
  };
}

/** A flow that runs step by step, and a client of its store. */
class SteppedFlow {
  constructor(readonly namespace: string) {}

  /** Submits the flow, and waits until its pods run. */
  async start(account: object): Promise<void> {
    const { namespace } = this;
    await store.put(namespace, 'testfile.csv', Buffer.from('five!'));
    const { status } = await controller.post(`/kflows/v1/${namespace}/${jobId}`, steppedDocument(namespace, account));
    expect(status).toBe(201);
    await eventually(
      `${namespace} is healthy`,
      () => controller.status(namespace, jobId),
      ({ health }) => health.state === 'healthy',
    );
  }

  put(functionId: string, name: string, content: string): Promise<void> {
    return store.put(this.namespace, `${this.folder(functionId)}in/${name}`, Buffer.from(content));
  }

  /** The result of an object, once there is one. */
  async result(functionId: string, name: string): Promise<Step> {
    const key = `${this.folder(functionId)}out/${name}`;
    const bytes = await eventually(`${this.namespace} has ${key}`, () =>
      store.get(this.namespace, key).catch(() => undefined),
    );
    return JSON.parse(Buffer.from(bytes as Uint8Array).toString());
  }

  /** What the documents' request answers. */
  simulate(execFnId: string, simFnId: string, cursor: string) {
    const { namespace } = this;
    return controller.post('/kflows/devstore/v1', { cursor, execFnId, simFnId, namespace, jobId });
  }

  async expectEachFunctionToRun(): Promise<void> {
    const { devInsOuts } = await controller.status(this.namespace, jobId);
    expect(devInsOuts).toEqual(
      ['measure', 'double', 'label'].map((id) => ({
        function: id,
        bucket: this.namespace,
        inDir: `${this.folder(id)}in/`,
        outDir: `${this.folder(id)}out/`,
      })),
    );
    await this.put('measure', 'photo.bin', 'seven!!');
    await this.put('double', 'a.json', '{"n": 4}');
    await this.put('double', 'b.json', '{"n": -1}');
    await this.put('label', 'a.json', '{"n": 8}');
    expect(await this.result('measure', 'photo.bin')).toMatchObject({ state: 'done', outputs: [{ n: 7 }] });
    expect(await this.result('double', 'a.json')).toMatchObject({ state: 'done', outputs: [{ n: 8 }] });
    expect(await this.result('double', 'b.json')).toMatchObject({ state: 'failed', error: 'ValueError: below 0' });
    expect(await this.result('label', 'a.json')).toMatchObject({ state: 'done', outputs: [{ n: 9 }, { n: 10 }] });
  }

  /** Puts objects, kills the pod once it has run the first of them, and expects one result of each. */
  async expectEachObjectToRunThroughAKill(): Promise<void> {
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    for (const n of numbers) await this.put('double', `kill-${n}`, JSON.stringify({ n }));
    await this.result('double', 'kill-0');
    const [pod] = await listObjects('pods', this.namespace, 'kflow.io/function=double');
    await kubectl(['delete', 'pod', `${pod?.metadata.name}`, '-n', this.namespace, '--force', '--grace-period=0']);
    for (const n of numbers) {
      expect(await this.result('double', `kill-${n}`)).toMatchObject({
        run: 1,
        state: 'done',
        outputs: [{ n: 2 * n }],
      });
    }
  }

  /** The objects in the folders of the flow. */
  async objects(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of store.list(this.namespace, 'kflow-dev/')) keys.push(key);
    return keys;
  }

  async delete(): Promise<void> {
    await controller.kflow('delete', `${this.namespace}/${jobId}`, '--yes', '--wait');
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false']);
  }

  private folder(functionId: string): string {
    return `kflow-dev/${this.namespace}/${jobId}/${functionId}/`;
  }
}

async function makeFlow(namespace: string): Promise<SteppedFlow> {
  await makeNamespace(namespace);
  await store.ensureBucket(namespace);
  return new SteppedFlow(namespace);
}

test('a flow runs step by step in its pods, and the controller answers for its steps', async () => {
  const flow = await makeFlow('dev-account');
  const { user, password } = readNode().s3;
  await flow.start({ user, password });
  await flow.expectEachFunctionToRun();
  await flow.expectEachObjectToRunThroughAKill();
  const listed = await flow.simulate('measure', 'list', 'testfile.csv');
  expect(listed).toMatchObject({ status: 200, body: { state: 'done', outputs: [{ n: 5 }] } });
  const next = await flow.simulate('double', 'measure', 'testfile.csv');
  expect(next).toMatchObject({ status: 200, body: { state: 'done', outputs: [{ n: 10 }] } });
  await flow.delete();
  expect(await flow.objects()).toEqual([]);
});

test('a flow whose credentials only a Secret has runs step by step in its pods; the controller says that it cannot log in', async () => {
  const flow = await makeFlow('dev-secret');
  const { user, password } = readNode().s3;
  const metadata = { name: 'store', namespace: flow.namespace };
  await apply([{ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { user, password } }]);
  await flow.start({ secret: 'store' });
  await flow.expectEachFunctionToRun();
  await flow.expectEachObjectToRunThroughAKill();
  expect(await flow.simulate('measure', 'list', 'testfile.csv')).toMatchObject({
    body: { code: 'setting-missing', detail: expect.stringContaining('put objects into the inDir') },
  });
  await flow.delete();
});
