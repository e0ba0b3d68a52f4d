import { setTimeout as delay } from 'node:timers/promises';
import { nodeName } from '../../runtime/servers/kubernetes-place';
import { InstalledController, sharedController } from './stage/controller';
import { eventually } from './stage/eventually';
import { apply, type ClusterObject, image, kubectl, listObjects, makeNamespace } from './stage/node';

const controllerNamespace = sharedController.namespace;
const deployment = 'deployment/kflow-controller';
let controller: InstalledController;
beforeAll(async () => {
  controller = await InstalledController.open();
});

/** Asks the API on a new connection each time, until told to stop, which returns the errors. */
function asking(): { readonly stop: () => Promise<readonly string[]>; readonly asked: () => number } {
  const errors: string[] = [];
  const end = new AbortController();
  let asked = 0;
  const loop = async () => {
    while (!end.signal.aborted) {
      asked += 1;
      await controller.ask('/kflows/v1').catch((error: Error) => errors.push(`${error.message} ${error.cause ?? ''}`));
      await delay(20);
    }
  };
  const ended = Promise.all([loop(), loop()]);
  const stop = async () => {
    end.abort();
    await ended;
    return errors;
  };
  return { stop, asked: () => asked };
}

test('a rollout of the controller refuses no request', async () => {
  const { stop, asked } = asking();
  await kubectl(['rollout', 'restart', deployment, '-n', controllerNamespace]);
  await kubectl(['rollout', 'status', deployment, '-n', controllerNamespace, '--timeout', '300s']);
  // the old pods end after the rollout is complete
  await eventually(
    'the old pods are gone',
    async () => (await kubectl(['get', 'pods', '-n', controllerNamespace, '-o', 'name'])).trim().split('\n'),
    (names) => names.length === 2,
  );
  await eventually('many requests', async () => asked() > 100);
  expect(await stop()).toEqual([]);
});

describe('on a node whose room is taken', () => {
  const namespace = 'crowd';
  afterAll(() => kubectl(['delete', 'namespace', namespace, '--wait=false']));

  /** Pods that together ask for more than the node has, in ever smaller steps, so that no room is left. */
  async function crowd(): Promise<readonly Sleepers[]> {
    const { allocatable } = JSON.parse(await kubectl(['get', 'node', nodeName, '-o', 'json'])).status;
    // as `2` or `1930m`
    let room = allocatable.cpu.endsWith('m') ? Number.parseInt(allocatable.cpu, 10) : 1_000 * Number(allocatable.cpu);
    const steps: Sleepers[] = [];
    while (room > 10) {
      const size = Math.max(10, Math.ceil(room / 12));
      steps.push({ name: `of-${size}m`, namespace, cpu: `${size}m`, replicas: Math.ceil(room / size) + 1 });
      room = size;
    }
    return steps;
  }

  const isPending = ({ status }: ClusterObject) => status.phase === 'Pending';

  test('the controller gets the place of a pod without priority', async () => {
    await makeNamespace(namespace);
    for (const step of await crowd()) {
      const { name } = step;
      await apply([sleepers(step)]);
      await eventually(`no room for another ${name} pod`, async () =>
        (await listObjects('pods', namespace, `app=${name}`)).some(isPending),
      );
    }
    const [first] = await listObjects('pods', controllerNamespace);
    await kubectl(['delete', 'pod', `${first?.metadata.name}`, '-n', controllerNamespace]);
    await kubectl(['rollout', 'status', deployment, '-n', controllerNamespace, '--timeout', '300s']);
    expect((await kubectl(['get', 'events', '-n', namespace])).includes('Preempted')).toBe(true);
  });
});

interface Sleepers {
  readonly name: string;
  readonly namespace: string;
  readonly cpu: string;
  readonly replicas: number;
}

function sleepers(props: Sleepers): object {
  const { name, namespace, cpu, replicas } = props;
  const labels = { app: name };
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 1000,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const container = {
    name: 'sleep',
    image,
    command: ['sleep', 'infinity'],
    resources: { requests: { cpu } },
    securityContext,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
    },
  };
}
