import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { expectLedger } from './stage/expect-ledger';
import { ControlledRun, type FlowRun, GitOpsRun } from './stage/flow-run';
import { kubectl } from './stage/node';
import { jobId, type NumberFlow } from './stage/number-document';

const keys = 5;
const count = 400;
const flowOf = (namespace: string, mode: NumberFlow['mode']): NumberFlow => ({
  namespace,
  mode,
  count,
  rate: 20,
  keys,
});

const untilStored = (run: FlowRun, wanted: number) =>
  eventually(
    `${run.namespace} stores ${wanted} records`,
    () => run.stored(),
    (stored) => stored >= wanted,
  );

async function killOne(run: FlowRun): Promise<void> {
  const [pod] = await run.pods('work');
  await kubectl(['delete', 'pod', `${pod?.metadata.name}`, '-n', run.namespace, '--force', '--grace-period=0']);
}

/** Each number is stored once, and `work` has passed those of each key on in their order. */
async function expectOrder(run: FlowRun): Promise<void> {
  await expectLedger(run);
  const records = await run.passedOn();
  for (let key = 0; key < keys; key++) {
    const numbers = records.filter((record) => record.key === key).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: count / keys }, (_, index) => index * keys + key));
  }
}

test.each(['batch', 'stream'] as const)(
  'records of one key stay in order in a %s of manifests whose pod is killed',
  async (mode) => {
    const run = new GitOpsRun(flowOf(`order-${mode}`, mode));
    try {
      await run.start();
      await untilStored(run, 60);
      await killOne(run);
      await expectOrder(run);
      await run.untilNackIsReady();
    } finally {
      await run.close();
    }
  },
);

test('records of one key stay in order in a flow of the controller that is scaled and whose pod is killed', async () => {
  const controller = await InstalledController.open();
  const run = new ControlledRun(flowOf('order-controlled', 'stream'), controller);
  try {
    await run.start();
    await untilStored(run, 60);
    await controller.kflow('scale', `${run.namespace}/${jobId}`, 'work=3');
    await killOne(run);
    await untilStored(run, 150);
    await controller.kflow('scale', `${run.namespace}/${jobId}`, 'work=1');
    await expectOrder(run);
  } finally {
    await run.close();
  }
});
