import { ConfigError } from '../../../../lib/errors';
import type { Topology } from '../../../../lib/topology/document/topology';

/** Throws ConfigError `setting-invalid` for a flow of a namespace that is none of these, which the controller has no rights in. */
export function assertNamespace(
  { namespace }: Pick<Topology, 'namespace'>,
  namespaces: readonly string[] = [namespace],
) {
  if (namespaces.includes(namespace)) return;
  const message = `this controller runs flows of ${namespaces.join(', ')}, and none of the namespace "${namespace}"`;
  throw new ConfigError('setting-invalid', `${message}; submit it there, or name the namespace in cluster.namespaces`, {
    where: namespace,
  });
}
