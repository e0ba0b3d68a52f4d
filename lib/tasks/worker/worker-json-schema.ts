import { jsonSchemaOf } from '../../topology/document/json-schema';
import { workerSchema } from './worker-schema';

/** JSON Schema (draft 2020-12) of a worker document, for editors. */
export function workerJsonSchema(): object {
  return jsonSchemaOf(workerSchema, { name: 'worker', title: 'KFlow task worker' });
}
