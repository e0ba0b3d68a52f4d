import { branchOfDefault } from '../../lib/topology/avro/avro-default';
import type { AvroType } from '../../lib/topology/avro/avro-type';
import { ByteWriter } from './byte-writer';

/** The bytes of a field's default, which must be valid. A default of a union is one of the first branch that it fits. */
export function encodeDefault(type: AvroType, json: unknown): Uint8Array {
  const writer = new ByteWriter();
  write(writer, type, json);
  return writer.take();
}

function write(writer: ByteWriter, type: AvroType, json: unknown): void {
  switch (type.kind) {
    case 'primitive':
      writePrimitive(writer, type, json);
      return;
    case 'fixed':
      writer.raw(Buffer.from(String(json), 'latin1'));
      return;
    case 'enum':
      writer.symbol(type.symbols.indexOf(String(json)));
      return;
    case 'union': {
      const index = branchOfDefault(type.branches, json);
      const branch = type.branches[index];
      if (branch === undefined) throw new Error('no branch takes the default'); // the schema's reader has checked it
      writer.count(index);
      write(writer, branch, json);
      return;
    }
    case 'array':
      writeItems(writer, json as readonly unknown[], (item) => write(writer, type.items, item));
      return;
    case 'map':
      writeItems(writer, Object.entries(json as object), ([key, item]) => {
        writer.string(key);
        write(writer, type.values, item);
      });
      return;
    case 'record': {
      const own = json as { readonly [field: string]: unknown };
      for (const { name, type: inner, default: fallback } of type.fields) {
        write(writer, inner, Object.hasOwn(own, name) ? own[name] : fallback?.json);
      }
    }
  }
}

function writePrimitive(writer: ByteWriter, { name }: AvroType & { readonly kind: 'primitive' }, json: unknown): void {
  if (name === 'null') return;
  if (name === 'bytes') writer.bytes(Buffer.from(String(json), 'latin1'));
  else if (name === 'float' || name === 'double') writer[name](Number(json));
  else writer[name](json);
}

function writeItems<Item>(writer: ByteWriter, items: readonly Item[], writeItem: (item: Item) => void): void {
  if (items.length > 0) {
    writer.count(items.length);
    for (const item of items) writeItem(item);
  }
  writer.end();
}
