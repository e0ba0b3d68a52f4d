import type { Topology } from '../topology/document/topology';
import { kindOf } from '../topology/function-types/function-type';
import type { PlannedDevStore } from './flow-plan';
import type { FlowSecrets } from './flow-secrets';
import { devStoreName, devStorePrefix } from './names';

/** The watcher of a step-by-step run; undefined unless `devStore` is enabled and has an image, an address and a bucket. */
export function planDevStore(topology: Topology, secrets: FlowSecrets): PlannedDevStore | undefined {
  const { enabled, image, imagePullPolicy, addr, topics, user, password, secret } = topology.globalConfig.devStore;
  if (!enabled || image === undefined || addr === undefined || topics === undefined) return undefined;
  const processes = topology.dag.filter(({ type }) => kindOf(type) === 'process');
  return {
    name: devStoreName(topology),
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    container: topology.container,
    secretEnv: secrets.accountVariables({ addr, user, password, secret }, 'KFLOW_DEV'),
    spec: {
      version: 1,
      namespace: topology.namespace,
      jobId: topology.jobId,
      addr,
      bucket: topics,
      userEnv: 'KFLOW_DEV_USER',
      passwordEnv: 'KFLOW_DEV_PASSWORD',
      functions: processes.map(({ id }) => ({
        function: id,
        inDir: `${devStorePrefix(topology, id)}in/`,
        outDir: `${devStorePrefix(topology, id)}out/`,
      })),
    },
  };
}
