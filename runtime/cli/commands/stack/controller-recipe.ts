import path from 'node:path';
import { controllerNodeOptions } from '../../../../lib/plan/controller-requirements';
import type { ServerRecipe } from '../../../servers/run-server';
import type { Stack } from '../../local-stack/find-stack';

const probeTimeoutMs = 5_000;

/**
 * The controller of a stack: the same `kflow controller` as in a cluster. Settings in the environment, such as
 * `KFLOW_CONTROLLER_TIMES_…`, apply unless the stack sets them itself.
 */
export function controllerRecipe(servers: Pick<Stack, 'nats' | 'temporal' | 's3' | 'socket'>): ServerRecipe {
  return {
    name: 'controller',
    command: process.execPath,
    args: (port) => [
      controllerNodeOptions,
      path.join(__dirname, '../../main.js'),
      'controller',
      '--port',
      String(port),
    ],
    env: {
      KFLOW_CONTROLLER_LOG_FORMAT: 'text',
      ...process.env,
      KFLOW_CONTROLLER_LISTEN_HOST: '127.0.0.1',
      KFLOW_CONTROLLER_NATS_URL: servers.nats,
      KFLOW_CONTROLLER_NATS_REPLICAS: '1',
      KFLOW_CONTROLLER_TEMPORAL_ADDRESS: servers.temporal,
      KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
      KFLOW_CONTROLLER_CLUSTER_SOCKET: servers.socket,
      KFLOW_CONTROLLER_S3_OVERRIDE_ADDR: servers.s3.endpoint,
      KFLOW_CONTROLLER_S3_OVERRIDE_USER: servers.s3.user,
      KFLOW_CONTROLLER_S3_OVERRIDE_PASSWORD: servers.s3.password,
      KFLOW_CONTROLLER_S3_MESSAGE_BUCKET: 'kflowinternal',
    },
    probe: async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) });
      if (!answer.ok) throw new Error(`/readyz responded with ${answer.status}: ${(await answer.text()).trim()}`);
    },
  };
}
