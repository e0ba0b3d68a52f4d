import { jsonSchemaOf } from '../../topology/document/json-schema';
import { componentSchema } from './component-schema';

/** JSON Schema (draft 2020-12) of a component document, for editors. */
export function componentJsonSchema(): object {
  return jsonSchemaOf(componentSchema, { name: 'component', title: 'KFlow component' });
}
