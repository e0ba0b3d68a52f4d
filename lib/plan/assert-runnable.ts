import { ConfigError } from '../errors';
import type { Topology } from '../topology/document/topology';
import { descriptorOf } from '../topology/function-types/function-type';

/** Throws ConfigError 'not-run-yet' that names every function which this version cannot run on this machine. */
export function assertRunnable(topology: Topology): void {
  const faults = topology.dag.flatMap((fn) => {
    const { isRunnable, code } = descriptorOf(fn.type);
    if (!isRunnable) return [`${fn.id}: functions of type ${fn.type} are not run by this version`];
    if (code === 'required' && fn.meta.code === undefined && fn.meta.module === undefined) {
      return [`${fn.id}: images are not run on this machine; give the source its code (meta.code or meta.module)`];
    }
    return [];
  });
  if (faults.length > 0) throw new ConfigError('not-run-yet', faults.join('\n'));
}
