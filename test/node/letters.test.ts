import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { expectLedger } from './stage/expect-ledger';
import { ControlledRun, GitOpsRun } from './stage/flow-run';
import { apply, kflowSaid, kubectl, makeNamespace, readNode } from './stage/node';
import { jobId, type NumberFlow } from './stage/number-document';

const flowOf = (namespace: string): NumberFlow => ({
  namespace,
  mode: 'batch',
  count: 300,
  rate: 100,
  gated: 25,
  bulk: 40,
});
const letters = Array.from({ length: 11 }, (_, index) => (index + 1) * 25);

/** Opens or closes the gate of a flow; pods see it when they start. */
async function setGate(namespace: string, state: 'open' | 'closed'): Promise<void> {
  await makeNamespace(namespace);
  await apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gate', namespace }, data: { state } }]);
}

/** Kills the pods that process the redriven letters, as soon as one runs. */
async function killRedrive(run: GitOpsRun | ControlledRun): Promise<void> {
  await eventually('a pod of the redrive runs', async () =>
    (await run.pods('work')).some(({ status }) => status.phase === 'Running'),
  );
  await kubectl(['delete', 'pods', '-n', run.namespace, '-l', 'kflow.io/function=work', '--force', '--grace-period=0']);
}

test('letters of a batch with bulks are redriven by the commands that kflow dlq names, and every number is stored once', async () => {
  const run = new GitOpsRun(flowOf('letters-gitops'));
  await setGate(run.namespace, 'closed');
  try {
    await run.start();
    await expectLedger(run, letters);
    await setGate(run.namespace, 'open');
    const job = `${run.namespace}/${jobId}`;
    const said = await kflowSaid(['dlq', job, 'redrive', '--all', '--nats-url', readNode().natsUrl]);
    expect(said).toContain('work, sink: ended before; delete the Jobs, and apply the manifests again:');
    const selector = /--selector '(.+)'/.exec(said)?.[1] ?? '';
    await kubectl(['delete', 'job', '-n', run.namespace, '--selector', selector]);
    await run.applyAgain();
    await killRedrive(run);
    await expectLedger(run);
  } finally {
    await run.close();
  }
});

test('letters of a batch with bulks are redriven by the controller, and every number is stored once', async () => {
  const controller = await InstalledController.open();
  const run = new ControlledRun(flowOf('letters-controlled'), controller);
  await setGate(run.namespace, 'closed');
  try {
    await run.start();
    await expectLedger(run, letters);
    await setGate(run.namespace, 'open');
    await controller.kflow('dlq', `${run.namespace}/${jobId}`, 'redrive', '--all');
    await killRedrive(run);
    await expectLedger(run);
  } finally {
    await run.close();
  }
});
