import type { Host, HostEvents } from '../engine/ports/host';
import type { ReplicaContext } from '../replica/replica-context';
import { PassThroughHost } from './pass-through-host';
import { PythonHost } from './python/python-host';
import { TypeScriptHost } from './typescript/typescript-host';

/** The host of a function's code: by its language, or none where an image would bring the function. */
export function createHost({ spec, environment, links }: ReplicaContext, events: HostEvents): Host {
  if (spec.code === undefined && spec.module === undefined) return new PassThroughHost(events);
  const { baseDir, isStreaming, replica } = environment;
  if (spec.language === 'python') return new PythonHost({ spec, events, schemas: links.schemas, replica, baseDir });
  return new TypeScriptHost({ spec, events, schemas: links.schemas, baseDir, isStreaming });
}
