import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { nackCrdsFile } from '../../runtime/servers/nack-controller';
import { waitFor } from '../support/wait-for';

let cluster: Promise<KubernetesObjects> | undefined;

/** Path of the kubeconfig of the control plane that all test files share. */
export function sharedKubeconfig(): string {
  const file = process.env.KFLOW_TEST_KUBECONFIG;
  if (file === undefined) throw new Error('no control plane runs: use test/kubernetes/jest.config.js');
  return file;
}

/** The objects of the shared control plane, with all rights. Each test file has one connection. */
export function connectCluster(): Promise<KubernetesObjects> {
  cluster ??= KubernetesObjects.open({ file: sharedKubeconfig() });
  return cluster;
}

/** The objects of a YAML file: its documents, and the items of those that are a `List`. */
export function readManifests(file: string): KubernetesObject[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { merge: true });
  return documents.flatMap((document) => {
    const object: KubernetesObject | null = document.toJS({ maxAliasCount: -1 });
    if (object === null) return [];
    return object.kind === 'List' ? (object.items as KubernetesObject[]) : [object];
  });
}

interface CrdSpec {
  readonly group: string;
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly name: string; readonly served: boolean }[];
}

/** Applies NACK's CRDs, and waits until objects of all their versions can be created. */
export async function installNackCrds(): Promise<void> {
  const objects = await connectCluster();
  const file = await nackCrdsFile();
  const crds = readManifests(file).filter(({ kind }) => kind === 'CustomResourceDefinition');
  if (crds.length === 0) throw new Error(`${file} holds no CustomResourceDefinition`);
  for (const crd of crds) await objects.apply(crd);
  for (const crd of crds) {
    await waitFor(`${crd.metadata.name} is established`, async () => isEstablished(await objects.read(crd)));
    const { group, names, versions } = crd.spec as CrdSpec;
    for (const { name } of versions.filter(({ served }) => served)) {
      const kind = { apiVersion: `${group}/${name}`, kind: names.kind };
      await waitFor(`${kind.apiVersion} ${kind.kind} is served`, () => objects.serves(kind));
    }
  }
}

/** Creates a namespace that enforces Pod Security `restricted`, and waits until it accepts pods. */
export function makeRestrictedNamespace(name: string): Promise<string> {
  const modes = ['enforce', 'warn', 'audit'].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, 'restricted'],
    [`pod-security.kubernetes.io/${mode}-version`, 'latest'],
  ]);
  return makeNamespace(name, Object.fromEntries(modes));
}

/** Creates a namespace, waits for its default service account, which pods need, and returns its name. */
export async function makeNamespace(name: string, labels: { readonly [key: string]: string } = {}): Promise<string> {
  const objects = await connectCluster();
  await objects.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } };
  await waitFor(`${name} has a service account`, () => objects.read(account));
  return name;
}

function isEstablished(crd: KubernetesObject | undefined): boolean {
  // null until the server has evaluated it
  const { conditions } = (crd?.status ?? {}) as { conditions?: readonly { type: string; status: string }[] | null };
  return conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}
