import type { KubeConfig } from '@kubernetes/client-node';
import { ConfigError } from '../../../lib/errors';

/** Which cluster, and as whom. */
export interface KubeConfigOptions {
  /** Left out, the usual rules: `KUBECONFIG`, then `~/.kube/config`, then the service account of the pod. */
  readonly file?: string;
  /** Left out, the current context of the file. */
  readonly context?: string;
}

/** A kubeconfig with the context that was chosen. */
export interface LoadedKubeConfig {
  readonly config: KubeConfig;
  /** Of the API server. */
  readonly url: string;
  readonly context: string;
  /** The context's, else `default`. */
  readonly namespace: string;
}

/** client-node guesses http://localhost:8080 under this name when it has found nothing. */
const GUESSED_CONTEXT = 'loaded-context';

/** Reads a kubeconfig. Throws ConfigError `config-invalid` when there is none, or none with such a context. */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<LoadedKubeConfig> {
  const where = options.file ?? (process.env.KUBECONFIG || '~/.kube/config');
  const invalid = (reason: string, cause?: unknown) =>
    new ConfigError('config-invalid', `kubeconfig ${where}: ${reason}`, { where, cause });
  // Half a second to load: only for those who use a cluster.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (options.file === undefined) config.loadFromDefault();
    else config.loadFromFile(options.file);
  } catch (error) {
    throw invalid(`it cannot be read: ${(error as Error).message}`, error);
  }
  if (config.getCurrentContext() === GUESSED_CONTEXT)
    throw invalid('there is none, and this is no pod; set KUBECONFIG');
  const context = options.context ?? config.getCurrentContext() ?? '';
  const chosen = config.getContextObject(context);
  if (chosen === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw invalid(`it has no context "${context}"; choose one of: ${known.join(', ')}`);
  }
  config.setCurrentContext(context);
  const url = config.getCurrentCluster()?.server ?? '';
  if (!url.startsWith('https://')) throw invalid(`context "${context}" names no https URL of a server, but "${url}"`);
  return { config, url: url.replace(/\/+$/, ''), context, namespace: chosen.namespace ?? 'default' };
}
