import type { Random } from '../support/random';

type Json = unknown;
type Schema = { [key: string]: Json };

const promotions: { readonly [writer: string]: readonly string[] } = {
  int: ['long', 'double'],
  long: ['double'],
  float: ['double'],
  string: ['bytes'],
};

/**
 * Makes a reader's schema of a writer's, so that most pairs resolve: fields in another order, fewer, more with defaults,
 * of promoted types, beside null, under another name with an alias; symbols in another order.
 */
export class RandomReader {
  private added = 0;

  constructor(private readonly random: Random) {}

  of(writer: Json): Json {
    if (typeof writer !== 'object' || writer === null) return writer;
    if (Array.isArray(writer)) return this.shuffled(writer.map((branch) => this.of(branch)));
    const schema = writer as Schema;
    if (schema.type === 'array') return { ...schema, items: this.ofPart(schema.items) };
    if (schema.type === 'map') return { ...schema, values: this.ofPart(schema.values) };
    if (schema.type === 'enum') return { ...schema, symbols: this.shuffled(schema.symbols as Json[]) };
    return schema.type === 'record' ? { ...schema, fields: this.fields(schema.fields as Schema[]) } : schema;
  }

  private fields(fields: readonly Schema[]): Json[] {
    const kept = fields.filter((field) => this.random.next() < 0.85 || declares(field.type));
    const read: Schema[] = kept.map(({ default: _, ...field }) => {
      const type = this.ofPart(field.type);
      if (this.random.next() < 0.9) return { ...field, type };
      return { ...field, name: `renamed${++this.added}`, aliases: [field.name], type };
    });
    if (this.random.next() < 0.3) read.push(this.addedField());
    // Definitions of types stay before references to them.
    return fields.some(({ type }) => declares(type) || refers(type)) ? read : this.shuffled(read);
  }

  private ofPart(type: Json): Json {
    const name = typeof type === 'string' ? type : undefined;
    const promoted = name === undefined ? undefined : promotions[name];
    if (promoted !== undefined && this.random.next() < 0.2) return this.random.oneOf(promoted);
    const read = this.of(type);
    const isUnion = Array.isArray(type) || type === 'null';
    return !isUnion && this.random.next() < 0.1 ? ['null', read] : read;
  }

  private addedField(): Schema {
    const [type, value] = this.random.oneOf<readonly [Json, Json]>([
      ['int', 7],
      [['null', 'string'], null],
      [{ type: 'array', items: 'long' }, [1, 2]],
      [{ type: 'map', values: 'double' }, { a: 1.5 }],
    ]);
    return { name: `added${++this.added}`, type, default: value };
  }

  private shuffled<T>(items: readonly T[]): T[] {
    if (this.random.next() < 0.5) return [...items];
    return items
      .map((item) => [this.random.next(), item] as const)
      .sort(([one], [other]) => one - other)
      .map(([, item]) => item);
  }
}

/** Whether a type defines a name, which later fields may refer to. */
function declares(type: Json): boolean {
  return /"name":/.test(JSON.stringify(type, withBigInts));
}

function refers(type: Json): boolean {
  return typeof type === 'string'
    ? /[A-Z_]/.test(type) || type.includes('.')
    : /"[^"]*[A-Z.][^"]*"/.test(JSON.stringify(type, withBigInts));
}

function withBigInts(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
