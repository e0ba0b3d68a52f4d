import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKubernetesControlPlane } from '../../runtime/servers/kubernetes-control-plane';

declare global {
  // Setup and teardown share nothing but the process.
  var stopKubernetes: (() => Promise<void>) | undefined;
}

/** One control plane for all test files, which find its kubeconfig in KFLOW_TEST_KUBECONFIG. */
export default async function startKubernetes(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kflow-kubernetes-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const controlPlane = await startKubernetesControlPlane({ directory, controllers: true });
    process.env.KFLOW_TEST_KUBECONFIG = controlPlane.kubeconfig;
    globalThis.stopKubernetes = () => controlPlane.stop().finally(remove);
  } catch (error) {
    remove();
    throw error;
  }
}
