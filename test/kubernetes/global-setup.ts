import { startKubernetesControlPlane } from '../../runtime/servers/kubernetes-control-plane';

const { makeTestHome, removeTestHome } = require('../support/jest/test-home.js');
const { tellWatchdog } = require('../support/jest/tell-watchdog.js');

declare global {
  // Setup and teardown share only the process.
  var stopKubernetes: (() => Promise<void>) | undefined;
}

/** Starts one control plane for all test files, which find its kubeconfig in KFLOW_TEST_KUBECONFIG. */
export default async function startKubernetes(): Promise<void> {
  const home: string = makeTestHome();
  tellWatchdog({ home });
  const remove = async () => {
    await removeTestHome(home);
    tellWatchdog({ removed: home });
  };
  const { TMPDIR } = process.env;
  process.env.TMPDIR = home;
  try {
    const controlPlane = await startKubernetesControlPlane({ directory: home, controllers: true });
    process.env.KFLOW_TEST_KUBECONFIG = controlPlane.kubeconfig;
    globalThis.stopKubernetes = async () => {
      await controlPlane.stop();
      await remove();
    };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}
