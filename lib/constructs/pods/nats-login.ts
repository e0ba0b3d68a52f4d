import { natsVariables, type PodNats } from '../../plan/nats-access';

/** Where pods have the files of the credentials of nats. */
export const natsFolder = '/etc/kflow/nats';
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
  const access = { url: natsUrl, domain: natsDomain, ...(hasSecrets ? { credentials: natsFolder } : {}) };
  return {
    variables: Object.entries(natsVariables(access)).map(([name, value]) => ({ name, value })),
    mounts: hasSecrets ? [{ name: volume, mountPath: natsFolder, readOnly: true }] : [],
    volumes: hasSecrets
      ? [{ name: volume, projected: { sources: natsSecrets.map((name) => ({ secret: { name } })) } }]
      : [],
  };
}
