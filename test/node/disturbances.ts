import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import { sharedController } from './stage/controller';
import { eventually } from './stage/eventually';
import type { FlowRun } from './stage/flow-run';
import { apply, type ClusterObject, containerPid, kubectl, listObjects, serverPid, tagImage } from './stage/node';
import type { NumberFlow } from './stage/number-document';

/** Something that happens to running flows, or that waits for them when they start. */
export interface Disturbance {
  readonly title: string;
  /** The start of the names of the namespaces. */
  readonly name: string;
  /** Deviations from the flow of the others. */
  readonly flow?: (namespace: string) => Partial<NumberFlow>;
  /** Before the flow is applied. */
  readonly prepare?: (namespace: string) => Promise<void>;
  /** Runs once for all flows, after each has stored some records; at once where something was prepared. */
  readonly disturb: (runs: readonly FlowRun[]) => Promise<void>;
  /** Numbers that become dead letters. */
  readonly letters?: readonly number[];
  /** The replicas end by themselves, which is no failure of a Job. */
  readonly isOrderly?: true;
  /** Only flows of the controller. */
  readonly isControlledOnly?: true;
  readonly isFromStart?: true;
}

const controllerNamespace = sharedController.namespace;
const functions = ['source', 'work', 'sink'];
/** A number whose record is held for longer than a pod may take to end. */
const slow = 300;

/** One pod of each function. */
async function victims(run: FlowRun): Promise<ClusterObject[]> {
  const pods = await Promise.all(functions.map((id) => run.pods(id)));
  return pods.flatMap(([first]) => (first === undefined ? [] : [first]));
}

const eachVictim =
  (hit: (pod: ClusterObject, namespace: string) => Promise<unknown>) =>
  async (runs: readonly FlowRun[]): Promise<void> => {
    for (const run of runs) {
      const pods = await victims(run);
      expect(pods.length).toBeGreaterThan(1);
      await Promise.all(pods.map((pod) => hit(pod, run.namespace)));
    }
  };

async function killContainer(pod: ClusterObject): Promise<void> {
  const pid = await containerPid(pod);
  if (pid === undefined) throw new Error(`${pod.metadata.name} has no running container`);
  process.kill(pid, 'SIGKILL');
}

/** The uids of the pods of all flows. */
async function uids(runs: readonly FlowRun[]): Promise<string[]> {
  const pods = await Promise.all(runs.map((run) => run.pods()));
  return pods.flat().map(({ metadata }) => metadata.uid);
}

async function deleteByForce(pod: string, namespace: string): Promise<void> {
  await kubectl(['delete', 'pod', pod, '-n', namespace, '--force', '--grace-period', '0']);
}

/** Asks until the budget of the pod's function permits the eviction. */
async function evict(pod: ClusterObject, namespace: string): Promise<void> {
  const { name } = pod.metadata;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  await eventually(`${namespace}/${name} is evicted`, async () => {
    await kubectl(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, '-f', '-'], eviction);
    return true;
  });
}

const quota = (namespace: string, pods: number) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'few', namespace },
  spec: { hard: { pods: String(pods) } },
});

const missingImage = (namespace: string) => `registry.invalid/${namespace}:1`;

async function reasonsOf(run: FlowRun): Promise<string[]> {
  const pods = await run.pods();
  return pods.flatMap(({ status }) =>
    (status.containerStatuses ?? []).map(
      (each: { state: { waiting?: { reason: string } } }) => each.state.waiting?.reason ?? '',
    ),
  );
}

export const disturbances: readonly Disturbance[] = [
  {
    title: 'pods are deleted',
    name: 'delete',
    isOrderly: true,
    disturb: eachVictim(({ metadata }, namespace) =>
      kubectl(['delete', 'pod', metadata.name, '-n', namespace, '--wait=false']),
    ),
  },
  {
    title: 'pods are deleted by force',
    name: 'force',
    disturb: eachVictim(({ metadata }, namespace) => deleteByForce(metadata.name, namespace)),
  },
  { title: 'processes of containers are killed', name: 'kill', disturb: eachVictim(killContainer) },
  { title: 'pods are evicted', name: 'evict', isOrderly: true, disturb: eachVictim(evict) },
  {
    title: 'pods are deleted that hold a record for longer than they have',
    name: 'slow',
    isOrderly: true,
    flow: () => ({ slow }),
    disturb: async (runs) => {
      await Promise.all(
        runs.map(async (run) => {
          await eventually(`${run.namespace} holds the slow record`, () => run.holds(slow));
          for (const { metadata } of await run.pods('work')) {
            await kubectl(['delete', 'pod', metadata.name, '-n', run.namespace, '--wait=false']);
          }
          expect(await run.holds(slow)).toBe(true);
        }),
      );
    },
  },
  {
    // the budgets of functions keep one replica until another node takes the first, so the drain does not end here
    title: 'the node is drained for a while',
    name: 'drain',
    isOrderly: true,
    disturb: async (runs) => {
      const options = ['--force', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout', '20s'];
      const before = await uids(runs);
      const drain = kubectl(['drain', 'kflow-node', ...options]);
      await expect(drain).rejects.toThrow('global timeout reached: 20s');
      await kubectl(['uncordon', 'kflow-node']);
      const after = await uids(runs);
      expect(before.filter((uid) => !after.includes(uid))).not.toEqual([]);
    },
  },
  {
    title: 'the kubelet stands still for 75 s while containers are killed',
    name: 'kubelet',
    flow: () => ({ count: 1_800 }),
    disturb: async (runs) => {
      const pid = serverPid('kubelet');
      process.kill(pid, 'SIGSTOP');
      try {
        for (const run of runs) await killContainer((await run.pods('work'))[0] as ClusterObject);
        await delay(75_000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  },
  {
    title: 'nats-server is killed',
    name: 'nats',
    disturb: async () => {
      process.kill(serverPid('nats'), 'SIGKILL');
    },
  },
  {
    title: 'both controllers are killed',
    name: 'controllers',
    isControlledOnly: true,
    disturb: async () => {
      const pods = await listObjects('pods', controllerNamespace);
      expect(pods).toHaveLength(2);
      await Promise.all(pods.map(killContainer));
    },
  },
  {
    // the API server revokes the token at once, and the kubelet cannot end the container: it works on at Temporal
    title: 'a controller whose token is revoked runs on',
    name: 'revoked',
    isControlledOnly: true,
    disturb: async (runs) => {
      const kubelet = serverPid('kubelet');
      const [pod] = (await listObjects('pods', controllerNamespace)) as [ClusterObject];
      const pid = (await containerPid(pod)) as number;
      process.kill(kubelet, 'SIGSTOP');
      try {
        await deleteByForce(pod.metadata.name, controllerNamespace);
        // the API server has the token in its cache for ten seconds
        await delay(12_000);
        for (const replicas of [3, 1, 3, 1, 3, 2]) {
          for (const run of runs) await run.request('scale', `work=${replicas}`);
          await delay(2_000);
        }
        // nobody else ends it: the kubelet still stands
        await eventually('the old controller ends by itself', async () => !isAlive(pid));
      } finally {
        process.kill(kubelet, 'SIGCONT');
      }
    },
  },
  {
    title: 'an image cannot be pulled until it is there',
    name: 'image',
    isFromStart: true,
    flow: (namespace) => ({ image: missingImage(namespace) }),
    disturb: async (runs) => {
      for (const run of runs) {
        await eventually(
          `${run.namespace} lacks its image`,
          () => reasonsOf(run),
          (reasons) => reasons.some((each) => /ImagePull/.test(each)),
        );
        await tagImage(missingImage(run.namespace));
      }
    },
  },
  {
    title: 'a quota refuses pods until it is raised',
    name: 'quota',
    isFromStart: true,
    prepare: (namespace) => apply([quota(namespace, 2)]),
    disturb: async (runs) => {
      for (const { namespace } of runs) {
        await eventually(`${namespace} exceeds its quota`, async () =>
          (await kubectl(['get', 'events', '-n', namespace])).includes('exceeded quota'),
        );
        await apply([quota(namespace, 20)]);
      }
    },
  },
  {
    title: 'one needs more memory than there is',
    name: 'memory',
    isFromStart: true,
    flow: () => ({ greedy: 40 }),
    disturb: async () => undefined,
    letters: [40],
  },
  {
    title: 'one fails at every attempt',
    name: 'poison',
    isFromStart: true,
    flow: () => ({ poison: 40 }),
    disturb: async () => undefined,
    letters: [40],
  },
];
