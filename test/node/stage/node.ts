import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { ctr } from '../cluster/containerd';
import { runtimeImage } from '../cluster/images';
import type { NodeCluster } from '../cluster/node-cluster';

const root = path.join(__dirname, '../../..');

/** The image of functions and of the controller, as manifests name it. */
export const image = runtimeImage.replace('docker.io/library/', '');

/** The parts of an object that tests read. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation?: number;
    readonly labels?: { readonly [name: string]: string };
    readonly deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: as the API server answers
  readonly status?: any;
}

/** The cluster that `test/node/main.ts` has started. */
export function readNode(): NodeCluster {
  const file = process.env.KFLOW_NODE;
  if (file === undefined) throw new Error('no node runs: use npm run test:node');
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Runs kubectl and returns what it prints. Throws with what it prints to stderr. */
export function kubectl(args: readonly string[], input?: string | object): Promise<string> {
  return output('kubectl', args, typeof input === 'object' ? JSON.stringify(input) : input);
}

/** Runs the built `kflow` and returns what it prints. Throws with all that it prints. */
export function kflow(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return output(process.execPath, [path.join(root, 'dist/js/runtime/cli/main.js'), ...args], undefined, env);
}

/** As `kflow`, but returns what it says to people, on stderr. */
export async function kflowSaid(args: readonly string[]): Promise<string> {
  const file = path.join(root, 'dist/js/runtime/cli/main.js');
  return (await promisify(execFile)(process.execPath, [file, ...args])).stderr;
}

/** The objects of a kind in a namespace, without those that are being deleted. */
export async function listObjects(kind: string, namespace: string, selector = ''): Promise<ClusterObject[]> {
  const found = JSON.parse(await kubectl(['get', kind, '-n', namespace, '-l', selector, '-o', 'json']));
  return found.items.filter(({ metadata }: ClusterObject) => metadata.deletionTimestamp === undefined);
}

/** Applies objects as a GitOps tool does. */
export async function apply(objects: readonly object[] | string): Promise<void> {
  const list = typeof objects === 'string' ? objects : { apiVersion: 'v1', kind: 'List', items: objects };
  await kubectl(['apply', '--server-side', '-f', '-'], list);
}

/** Creates a namespace that admits restricted pods only. */
export async function makeNamespace(name: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]);
}

/** The pid of a server of the node by the name of its folder, as the processes of tests see it. */
export function serverPid(server: string): number {
  return Number(readFileSync(path.join(readNode().folder, server, 'pid'), 'utf8'));
}

/** The pid of the first process of a pod's first container; undefined if the container does not run. */
export async function containerPid({ status }: ClusterObject): Promise<number | undefined> {
  const id = /[0-9a-f]{64}$/.exec(status.containerStatuses?.[0]?.containerID ?? '')?.[0];
  const tasks = (await ctr('tasks', 'list')).split('\n').map((line) => line.split(/\s+/));
  const pid = tasks.find(([container, , state]) => container === id && state === 'RUNNING')?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Gives the runtime's image another name on the node, as if it could be pulled. */
export async function tagImage(name: string): Promise<void> {
  await ctr('images', 'tag', '--force', runtimeImage, name);
}

/** The S3 server, from outside the cluster. */
export function openStore(): S3ObjectStore {
  const { endpoint, user, password } = readNode().s3;
  return new S3ObjectStore({ addr: endpoint, user, password });
}

async function output(
  command: string,
  args: readonly string[],
  input?: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { maxBuffer: 2 ** 28, env: { ...process.env, ...env } };
  const running = promisify(execFile)(command, args, options);
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input ?? '');
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${path.basename(command)} ${args.join(' ')}: ${stderr}${stdout}`, { cause: error });
  }
}
