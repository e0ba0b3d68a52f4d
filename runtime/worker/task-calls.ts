import { isPlainMap } from '../../lib/plain-map';
import type { TaskSpec } from '../../lib/plan/function-spec';
import type { TaskMessage } from '../api-contract/task-message';
import { AvroSchemaCodec } from '../engine/avro-message';
import type { SchemaSource } from '../engine/ports/host';

/**
 * What crosses between the worker and a host: records with one field, `json`, because hosts speak Avro and tasks have values of
 * any JSON. A call is what `load-tasks.ts` and `task_functions.py` read.
 */
export const jsonSchema = {
  type: 'record',
  name: 'kflow_json',
  fields: [{ name: 'json', type: 'string' }],
} as const;

const codec = new AvroSchemaCodec(jsonSchema);

/** Hosts look up the schema of each message. */
export const jsonSchemas: SchemaSource = { schemaOf: async () => jsonSchema };

/** What a task message has, or its claims stand for. */
export interface TaskValues {
  readonly input: unknown;
  readonly parameters: unknown;
}

/** The call of a task. */
export function encodeCall(
  message: TaskMessage,
  name: string,
  { parameters: defaults }: TaskSpec,
  { input, parameters }: TaskValues,
): Uint8Array {
  const { execution, flow, step, task, attempt, metadata = {} } = message;
  const call = {
    task: name,
    input: input ?? {},
    parameters: parametersOf(defaults, parameters),
    about: { execution, flow, step, task, attempt, metadata },
  };
  return encodeJson(JSON.stringify(call));
}

export function encodeJson(json: string): Uint8Array {
  const encoded = codec.encode({ json });
  if (encoded === undefined) throw new Error('a text that is no text');
  return encoded;
}

/** The JSON of an output or a heartbeat. */
export function decodeJson(payload: Uint8Array): { readonly output?: unknown; readonly progress?: unknown } {
  return JSON.parse((codec.decode(payload) as { readonly json: string }).json);
}

/** The parameters of the call over the defaults of the worker, key by key; of another kind, instead of them. */
function parametersOf(defaults: unknown, given: unknown): unknown {
  if (isPlainMap(defaults) && isPlainMap(given)) return { ...defaults, ...given };
  return given ?? defaults ?? {};
}
