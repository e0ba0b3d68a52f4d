import { jsonSchemaOf } from '../../topology/document/json-schema';
import { taskFlowSchema } from './task-flow-schema';

/** JSON Schema (draft 2020-12) of the JSON form of task flows. */
export function taskFlowJsonSchema(): { readonly [key: string]: unknown } {
  return jsonSchemaOf(taskFlowSchema, { name: 'task-flow', title: 'KFlow task flow' });
}
