import type { AvroType, LogicalType, UnionType } from '../../lib/topology/avro/avro-type';
import { ByteWriter } from './byte-writer';
import { compileEncoder, type Encode } from './compile-encoder';
import { decimalOf } from './logical-value';
import { Shape, shapeOf } from './value-shape';

/** Renders a decoded value as JSON on one line. */
export type RenderJson = (value: unknown) => string;

/**
 * Compiles a type to a function that renders its values: longs in full, bytes in base64, decimals as text of their digits,
 * floats as short as they read back, NaN and infinities as text, unions plain.
 */
export function compileJson(type: AvroType): RenderJson {
  return new JsonCompiler().compile(type);
}

class JsonCompiler {
  private readonly known = new Map<AvroType, RenderJson>();

  compile(type: AvroType): RenderJson {
    const known = this.known.get(type);
    if (known !== undefined) return known;
    let render: RenderJson | undefined;
    this.known.set(type, (value) => (render as RenderJson)(value)); // a type may contain itself
    render = this.build(type);
    this.known.set(type, render);
    return render;
  }

  private build(type: AvroType): RenderJson {
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'float') return (value) => renderNumber(value, shortestFloat);
        if (type.name === 'double') return (value) => renderNumber(value, String);
        if (type.name === 'bytes') return renderBytes(type.logical);
        return type.name === 'int' || type.name === 'long' ? String : (value) => JSON.stringify(value);
      case 'enum':
        return (value) => JSON.stringify(value);
      case 'fixed':
        return renderBytes(type.logical);
      case 'array': {
        const item = this.compile(type.items);
        return (value) => `[${(value as readonly unknown[]).map(item).join(',')}]`;
      }
      case 'map': {
        const item = this.compile(type.values);
        return (value) =>
          `{${Object.entries(value as object)
            .map(([key, inner]) => `${JSON.stringify(key)}:${item(inner)}`)
            .join(',')}}`;
      }
      case 'record': {
        const fields = type.fields.map(({ name, type: inner }) => {
          return { name, start: `${JSON.stringify(name)}:`, render: this.compile(inner) };
        });
        return (value) => {
          const record = value as { readonly [field: string]: unknown };
          return `{${fields.map(({ name, start, render }) => start + render(record[name])).join(',')}}`;
        };
      }
      case 'union':
        return this.buildUnion(type);
    }
  }

  /** The value goes to the branch that it would be written in. */
  private buildUnion(union: UnionType): RenderJson {
    const writer = new ByteWriter();
    const branches = union.branches.map((type) => {
      let encode: Encode | undefined;
      const holds = (value: unknown): boolean => {
        encode ??= compileEncoder(type);
        writer.start(new Uint8Array());
        writer.complete = true;
        return encode(writer, value);
      };
      return { type, holds, render: this.compile(type) };
    });
    const first = (value: unknown, candidates: typeof branches): string => {
      const found = candidates.length > 1 ? candidates.find(({ holds }) => holds(value)) : candidates[0];
      return found === undefined ? 'null' : found.render(value);
    };
    const of = (...kinds: readonly string[]) =>
      branches.filter(({ type }) => kinds.includes(nameOf(type) ?? type.kind));
    const [arrays, bytes, objects] = [of('array'), of('bytes', 'fixed'), [...of('record'), ...of('map')]];
    return (value) => {
      if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
      if (typeof value === 'bigint') return String(value);
      if (typeof value === 'number') {
        const { type } = branches.find(({ type }) => holdsWhole(type, value)) ??
          branches.find(({ type }) => holdsReal(type, value)) ?? { type: union };
        return renderNumber(value, nameOf(type) === 'float' ? shortestFloat : String);
      }
      const shape = shapeOf(value as object);
      return first(value, shape === Shape.array ? arrays : shape === Shape.bytes ? bytes : objects);
    };
  }
}

function nameOf(type: AvroType): string | undefined {
  return type.kind === 'primitive' ? type.name : undefined;
}

function holdsWhole(type: AvroType, value: number): boolean {
  if (Object.is(value, -0)) return false;
  return nameOf(type) === 'long' ? Number.isSafeInteger(value) : nameOf(type) === 'int' && (value | 0) === value;
}

function holdsReal(type: AvroType, value: number): boolean {
  if (nameOf(type) !== 'float') return nameOf(type) === 'double';
  return Number.isNaN(value) || Math.fround(value) === value;
}

function renderNumber(value: unknown, render: (value: number) => string): string {
  const number = Number(value);
  if (!Number.isFinite(number)) return `"${number}"`;
  return Object.is(number, -0) ? '-0.0' : render(number);
}

/** The shortest text that reads back as the same float. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

function renderBytes(logical: LogicalType | undefined): RenderJson {
  if (logical?.name !== 'decimal')
    return (value) => JSON.stringify(Buffer.from(value as Uint8Array).toString('base64'));
  return (value) => `"${decimalOf(value as Uint8Array, logical.scale)}"`;
}
