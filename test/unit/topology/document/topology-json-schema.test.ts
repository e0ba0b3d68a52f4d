import { topologyJsonSchema } from '../../../../lib/topology/document/topology-json-schema';
import { functionTypeNames } from '../../../../lib/topology/function-types/function-type';
import { valueAt } from '../../../../lib/topology/problem/problem';

describe('topologyJsonSchema', () => {
  const schema = topologyJsonSchema();

  test('is a draft 2020-12 schema with an id and a title', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://kflow.io/schemas/topology.json',
      title: 'KFlow topology',
      required: ['dag'],
      additionalProperties: false,
    });
  });

  test("lists the function types and allows the user's own keys in meta", () => {
    const functions = ['properties', 'dag', 'items', 'properties'];
    expect(valueAt(schema, [...functions, 'type', 'enum'])).toEqual(functionTypeNames);
    expect(valueAt(schema, [...functions, 'meta', 'additionalProperties'])).toEqual({});
    expect(valueAt(schema, [...functions, 'meta', 'properties', 'max.poll.interval.ms', 'type'])).toEqual([
      'integer',
      'null',
    ]);
  });

  test('has a description for every field', () => {
    const bare: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as { properties?: { [key: string]: { description?: string } } };
      for (const [key, property] of Object.entries(properties ?? {})) {
        if (property.description === undefined && !('anyOf' in property)) bare.push(`${path}.${key}`);
      }
      for (const [key, inner] of Object.entries(node)) visit(inner, `${path}.${key}`);
    };
    visit(schema, '');
    expect(bare).toEqual([]);
  });
});
