import type { PodNats } from '../../plan/nats-access';

/** Where pods have the files of the credentials of nats. */
const folder = '/etc/kflow/nats';
const volume = 'nats';

/** The parts of a pod that logs in at nats. */
export interface NatsLogin {
  /** Variables of the container, in the order of the pod's other ones. */
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: true }[];
  readonly volumes: readonly object[];
}

/**
 * The URL of nats as a variable, and the Secrets as files: a rotated Secret reaches a running pod only as a file, and no
 * password is in the environment of a process.
 */
export function renderNatsLogin({ natsUrl, natsSecrets = [], natsDomain }: PodNats): NatsLogin {
  const hasSecrets = natsSecrets.length > 0;
  return {
    variables: [
      { name: 'KFLOW_NATS_URL', value: natsUrl },
      ...(hasSecrets ? [{ name: 'KFLOW_NATS_CREDENTIALS', value: folder }] : []),
      ...(natsDomain === undefined ? [] : [{ name: 'KFLOW_NATS_DOMAIN', value: natsDomain }]),
    ],
    mounts: hasSecrets ? [{ name: volume, mountPath: folder, readOnly: true }] : [],
    volumes: hasSecrets
      ? [{ name: volume, projected: { sources: natsSecrets.map((name) => ({ secret: { name } })) } }]
      : [],
  };
}
