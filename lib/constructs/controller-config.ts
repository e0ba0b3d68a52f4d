import type { ControllerInstallProps } from './controller-install-props';

/** Where the pod finds what is mounted. */
export const controllerFolders = {
  config: '/etc/kflow/config',
  access: '/etc/kflow/access',
  secrets: '/etc/kflow/secrets',
} as const;

/** The settings of a controller in a cluster, as its file has them; nothing in them is secret. */
export function controllerConfig({
  natsUrl,
  temporalAddress,
  access,
  image = 'kflow:latest',
  watchNamespaces,
}: ControllerInstallProps): object {
  return {
    listen: { host: '0.0.0.0', port: 9080 },
    nats: { url: natsUrl },
    temporal: { address: temporalAddress },
    cluster: { kind: 'kubernetes', ...(watchNamespaces === undefined ? {} : { namespaces: watchNamespaces }) },
    pods: { image },
    access: access.kind === 'tokens' ? { kind: 'tokens', file: `${controllerFolders.access}/tokens.yaml` } : access,
  };
}
