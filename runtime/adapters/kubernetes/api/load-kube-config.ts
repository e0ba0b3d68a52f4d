import type { KubeConfig } from '@kubernetes/client-node';
import { ConfigError } from '../../../../lib/errors';

/** Which cluster to use, and as which user. */
export interface KubeConfigOptions {
  /** Default: `KUBECONFIG`, then `~/.kube/config`, then the service account of the pod. */
  readonly file?: string;
  /** Default: the current context of the file. */
  readonly context?: string;
}

/** A kubeconfig and its chosen context. */
export interface LoadedKubeConfig {
  readonly config: KubeConfig;
  /** URL of the API server. */
  readonly url: string;
  readonly context: string;
  /** Namespace of the context, or `default`. */
  readonly namespace: string;
  /** Reads the same kubeconfig, its files and its credentials anew. Throws what `loadKubeConfig` throws. */
  reload(): Promise<LoadedKubeConfig>;
}

/** Name of the context for http://localhost:8080 that client-node makes up if it finds no kubeconfig. */
const GUESSED_CONTEXT = 'loaded-context';

/** Reads a kubeconfig. Throws ConfigError `config-invalid` if there is none, or it lacks the context. */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<LoadedKubeConfig> {
  const where = options.file ?? (process.env.KUBECONFIG || '~/.kube/config');
  const invalid = (reason: string, cause?: unknown) =>
    new ConfigError('config-invalid', `kubeconfig ${where}: ${reason}`, { where, cause });
  // loading it takes half a second
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (options.file === undefined) config.loadFromDefault();
    else config.loadFromFile(options.file);
  } catch (error) {
    throw invalid(`cannot read it: ${(error as Error).message}`, error);
  }
  if (config.getCurrentContext() === GUESSED_CONTEXT)
    throw invalid('not found, and there is no service account of a pod; set KUBECONFIG');
  const context = options.context ?? config.getCurrentContext() ?? '';
  const chosen = config.getContextObject(context);
  if (chosen === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw invalid(`has no context "${context}"; choose one of: ${known.join(', ')}`);
  }
  config.setCurrentContext(context);
  const url = config.getCurrentCluster()?.server ?? '';
  if (!url.startsWith('https://')) throw invalid(`context "${context}" needs an https URL of a server, got "${url}"`);
  const reload = () => loadKubeConfig({ ...options, context });
  return { config, url: url.replace(/\/+$/, ''), context, namespace: chosen.namespace ?? 'default', reload };
}
