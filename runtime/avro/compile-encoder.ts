import type { AvroField, AvroType, EnumType, RecordType } from '../../lib/topology/avro/avro-type';
import type { ByteWriter } from './byte-writer';
import { encodeDefault } from './encode-default';
import { GeneratedCode, quoted } from './generated-code';
import { hasBytes } from './limits';
import { baseValue, logicalShapeOf } from './logical-value';
import { compileUnion } from './union-code';
import { isObjectProperty, ownProperty, Shape, shapeOf } from './value-shape';

/** Writes a value, or returns false and leaves a fault in the writer. */
export type Encode = (writer: ByteWriter, value: unknown) => boolean;

/** Compiles a type to one function that checks and writes values in one pass. */
export function compileEncoder(type: AvroType): Encode {
  const compiler = new EncoderCompiler();
  const code = compiler.code;
  const name = code.functionOf({}, 'w, v', () => `return ${compiler.write(type, 'v')};`);
  return code.compile(name) as Encode;
}

/** Generates expressions that write the value of a variable and are true if it fits. `w` is the writer. */
class EncoderCompiler {
  readonly code = new GeneratedCode<object>();
  private readonly symbols = new Map<EnumType, string>();

  /** Writes the variable, or records it as a fault of `expected`: the type, or the union that it is a branch of. */
  write(type: AvroType, variable: string, expected: AvroType = type): string {
    switch (type.kind) {
      case 'array':
        return `${this.code.functionOf(type, 'w, v', () => this.arrayBody(type, type.items))}(w, ${variable})`;
      case 'map':
        return `${this.code.functionOf(type, 'w, v', () => this.mapBody(type, type.values))}(w, ${variable})`;
      case 'union':
        return `${this.code.functionOf(type, 'w, v', () => compileUnion(this, type))}(w, ${variable})`;
      case 'record':
        return `${this.code.functionOf(type, 'w, v', () => this.recordBody(type))}(w, ${variable})`;
      default:
        return `(${this.scalar(type, variable)} || w.miss(${variable}, ${this.code.constant(expected)}))`;
    }
  }

  /** The name of the map from an enum's symbols to their indexes. */
  symbolsOf(type: EnumType): string {
    const known = this.symbols.get(type);
    if (known !== undefined) return known;
    const name = this.code.constant(new Map(type.symbols.map((symbol, index) => [symbol, index])));
    this.symbols.set(type, name);
    return name;
  }

  private scalar(type: AvroType, variable: string): string {
    if (type.kind === 'enum') return `w.symbol(${this.symbolsOf(type)}.get(${variable}))`;
    if (type.kind !== 'primitive' && type.kind !== 'fixed')
      throw new Error(`a ${type.kind} is not written as a scalar`);
    if (type.kind === 'primitive' && type.name === 'null') return `${variable} === null`;
    const base = type.kind === 'fixed' ? `w.fixed(${variable}, ${type.size})` : `w.${type.name}(${variable})`;
    if (logicalShapeOf(type) === undefined) return base;
    return `${base} || ${this.code.constant(writeLogical)}(w, ${variable}, ${this.code.constant(type)})`;
  }

  private arrayBody(type: AvroType, items: AvroType): string {
    const name = this.code.constant(type);
    const count = hasBytes(items) ? 'w.count(n)' : `if (!w.empty(n, ${name}, v)) return false; w.count(n)`;
    return `if (!Array.isArray(v)) return w.miss(v, ${name});
      const n = v.length;
      if (n > 0) {
        ${count};
        for (let i = 0; i < n; i++) {
          const x = v[i];
          if (!${this.write(items, 'x')}) return w.at('[' + i + ']');
        }
      }
      return w.end();`;
  }

  private mapBody(type: AvroType, values: AvroType): string {
    const name = this.code.constant(type);
    return `const shape = typeof v === 'object' && v !== null ? ${this.code.constant(shapeOf)}(v) : ${Shape.other};
      const isMap = shape === ${Shape.map};
      if (!isMap && shape !== ${Shape.plain}) return w.miss(v, ${name});
      const keys = isMap ? [...v.keys()] : Object.keys(v);
      const n = keys.length;
      if (n > 0) {
        w.count(n);
        for (let i = 0; i < n; i++) {
          const key = keys[i];
          if (!w.string(key)) return w.miss(key, ${name}, 'key');
          const x = isMap ? v.get(key) : v[key];
          if (!${this.write(values, 'x')}) return w.at('[' + JSON.stringify(key) + ']');
        }
      }
      return w.end();`;
  }

  private recordBody(type: RecordType): string {
    const name = this.code.constant(type);
    const fields = new Set(type.fields.map((field) => field.name));
    return `const shape = typeof v === 'object' && v !== null ? ${this.code.constant(shapeOf)}(v) : ${Shape.other};
      if (shape > ${Shape.instance}) return w.miss(v, ${name});
      if (!w.enter(${name}, v)) return false;
      let n = 0, x;
      ${type.fields.map((field) => this.writeField(field)).join('\n')}
      if (shape === ${Shape.instance} || Object.keys(v).length !== n) {
        const unknown = ${this.code.constant(unknownField)}(v, ${this.code.constant(fields)});
        if (unknown !== undefined) return w.miss(unknown, ${name}, 'unknown field') || w.at('.' + unknown);
      }
      w.depth--;
      return true;`;
  }

  private writeField(field: AvroField): string {
    const name = quoted(field.name);
    const read = isObjectProperty(field.name) ? `${this.code.constant(ownProperty)}(v, ${name})` : `v[${name}]`;
    const step = `w.at(${quoted(`.${field.name}`)})`;
    const missing = `return w.miss(undefined, ${this.code.constant(field.type)}, 'missing') || ${step};`;
    const absent =
      field.default === undefined
        ? missing
        : `if (w.complete) ${missing}
          w.raw(${this.code.constant(encodeDefault(field.type, field.default.json))});`;
    return `x = ${read};
      if (x === undefined) { ${absent} }
      else { n++; if (!${this.write(field.type, 'x')}) return ${step}; }`;
  }
}

function writeLogical(writer: ByteWriter, value: unknown, type: AvroType): boolean {
  if (typeof value !== 'object' || value === null || shapeOf(value) !== logicalShapeOf(type)) return false;
  const base = baseValue(value, type);
  if (!(base instanceof Uint8Array)) return writer.long(base);
  return type.kind === 'fixed' ? writer.fixed(base, type.size) : writer.bytes(base);
}

/** The first own property of a record that its type lacks. Properties without a value count as left out. */
function unknownField(record: { readonly [name: string]: unknown }, fields: ReadonlySet<string>): string | undefined {
  return Object.keys(record).find((key) => !fields.has(key) && record[key] !== undefined);
}
