import { topologyJsonSchema } from '../../../../lib/topology/document/topology-json-schema';

/** `kflow schema`: the JSON Schema of topologies. */
export function schema(): number {
  process.stdout.write(`${JSON.stringify(topologyJsonSchema(), null, 2)}\n`);
  return 0;
}
