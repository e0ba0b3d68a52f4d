import {
  installationRules,
  kubernetesRules,
  type PolicyRule,
  secretRules,
  secretsRole,
} from '../../../../lib/plan/controller-requirements';
import { AccessReview } from '../../../adapters/kubernetes/access-review';
import type { ControllerSettings } from '../../../controller/settings/settings';
import { type Finding, failed, findingsOf, ok, warning } from './finding';
import { reach } from './reach';

const what = 'cluster';
const install = 'apply the manifests of `kflow install` again';

/** What of an installation the account needs rights for. */
interface Asked {
  /** More namespaces of flows with passwords. */
  readonly namespaces: readonly string[];
  /** Whether the Secret with the installation key is there; otherwise the controller has to create it. */
  readonly hasKey: boolean;
}

/** The cluster of the settings: that it answers, and what the controller's account may do there. */
export function checkCluster(
  { cluster, installation }: ControllerSettings,
  { namespaces, hasKey }: Asked,
): Promise<readonly Finding[]> {
  if (cluster.kind === 'processes') return checkProcesses(cluster.socket);
  return findingsOf(what, 'check cluster.kubeconfig, cluster.context and the API server', async () => {
    const { kubeconfig: file, context } = cluster;
    const review = await AccessReview.open({ ...(file && { file }), ...(context && { context }) });
    try {
      const findings = [ok(what, `Kubernetes ${await review.version()} at ${review.cluster}`)];
      for (const place of cluster.namespaces ?? [undefined]) findings.push(await checkRights(review, place));
      const { secret, namespace = review.namespace, keyFile } = installation;
      const places = { watched: cluster.namespaces, asked: namespaces, controller: namespace };
      findings.push(...(await checkSecrets(review, places)));
      const rules = installationRules(secret, !hasKey);
      if (keyFile === undefined)
        findings.push(await checkKeyRight(review, { name: `${namespace}/${secret}`, rules, namespace }));
      return findings;
    } finally {
      review.close();
    }
  });
}

function checkProcesses(socket: string): Promise<readonly Finding[]> {
  return findingsOf(what, 'start it with `kflow up`', async () => {
    await reach({ path: socket });
    return [ok(what, `processes on this machine, by ${socket}`)];
  });
}

async function checkRights(review: AccessReview, namespace: string | undefined): Promise<Finding> {
  const place = namespace === undefined ? 'in every namespace' : `in ${namespace}`;
  const missing = await review.missing(kubernetesRules, namespace);
  if (missing.length === 0) return ok('rights', `all that flows need ${place}, Secrets apart`);
  return failed('rights', `this account cannot, ${place}: ${missing.join(', ')}`, install);
}

interface Places {
  readonly watched: readonly string[] | undefined;
  readonly asked: readonly string[];
  /** Namespace of the controller. */
  readonly controller: string;
}

async function checkSecrets(review: AccessReview, { watched, asked, controller }: Places): Promise<readonly Finding[]> {
  if (watched === undefined && (await review.missing(secretRules)).length === 0) {
    return [ok('secrets', 'this account may manage the Secrets of every namespace')];
  }
  const places = [...new Set([...(watched ?? []), ...asked])];
  const account = `${controller}:kflow-controller`;
  if (places.length === 0) {
    const found = 'this account may not manage Secrets in every namespace: only flows without passwords run everywhere';
    return [warning('secrets', found, 'name the namespaces to check with --namespaces a,b')];
  }
  return Promise.all(
    places.map(async (namespace) => {
      const missing = await review.missing(secretRules, namespace);
      if (missing.length === 0) return ok('secrets', `this account may manage the Secrets of ${namespace}`);
      const found = `flows with passwords cannot run in ${namespace}: this account cannot ${missing.join(', ')}`;
      const binding = `kubectl create rolebinding ${secretsRole} --namespace ${namespace} --clusterrole ${secretsRole} --serviceaccount ${account}`;
      return warning('secrets', found, watched === undefined ? binding : install);
    }),
  );
}

async function checkKeyRight(
  review: AccessReview,
  {
    name,
    rules,
    namespace,
  }: { readonly name: string; readonly rules: readonly PolicyRule[]; readonly namespace: string },
): Promise<Finding> {
  const missing = await review.missing(rules, namespace);
  if (missing.length === 0) return ok('key secret', `this account may read the Secret ${name}`);
  return failed('key secret', `for the Secret ${name}, this account cannot ${missing.join(', ')}`, install);
}
