import type { AvroField, AvroType, RecordType } from '../../lib/topology/avro/avro-type';
import type { RecordResolution, Resolution } from '../../lib/topology/avro/resolve-schema';
import { ByteReader } from './byte-reader';
import { encodeDefault } from './encode-default';
import { GeneratedCode, quoted } from './generated-code';
import { hasBytes } from './limits';
import { nativeOf, natives } from './logical-value';

/** Reads a value. Throws MalformedError. */
export type Decode = (reader: ByteReader) => unknown;

export interface DecoderOptions {
  /** Reads a type as itself. */
  readonly identity: (type: AvroType) => Resolution;
  /** Whether values of logical types are those of docs/avro.md, instead of values of the base type. */
  readonly isNative: boolean;
}

/** Compiles a resolution to one function that reads what the writer wrote as the reader's type. */
export function compileDecoder(resolution: Resolution, options: DecoderOptions): Decode {
  const compiler = new DecoderCompiler(options);
  return compiler.code.compile(`(r) => ${compiler.read(resolution)}`) as Decode;
}

/** Generates expressions that read a value; `r` is the reader. */
class DecoderCompiler {
  readonly code = new GeneratedCode<object>();

  constructor(private readonly options: DecoderOptions) {}

  read(resolution: Resolution): string {
    if (resolution.kind !== 'primitive' && resolution.kind !== 'fixed') return this.readBase(resolution);
    const native = this.options.isNative ? nativeOf(resolution.logical) : undefined;
    if (native === undefined) return this.readBase(resolution);
    const { logical } = resolution;
    return `${this.code.constant(natives[native])}(${this.readBase(resolution)}, ${this.code.constant(logical)})`;
  }

  /** Reads a value of the base type, whatever its logical type. */
  private readBase(resolution: Resolution): string {
    switch (resolution.kind) {
      case 'primitive':
        return readPrimitive(resolution);
      case 'fixed':
        return `r.fixed(${resolution.size})`;
      case 'enum':
        return `${this.code.constant(resolution.symbols)}[r.index(${resolution.symbols.length})]`;
      case 'array':
        return this.call(resolution, () => this.arrayBody(resolution.items, resolution.written));
      case 'map':
        return this.call(resolution, () => this.mapBody(resolution.values));
      case 'union':
        return this.call(resolution, () => this.unionBody(resolution.branches));
      case 'record':
        return this.call(resolution, () => this.recordBody(resolution));
    }
  }

  private call(key: object, body: () => string): string {
    return `${this.code.functionOf(key, 'r', body)}(r)`;
  }

  private arrayBody(items: Resolution, written: AvroType): string {
    const inBytes = hasBytes(written);
    return `const out = [];
      for (let n = r.block(${inBytes}); n > 0; n = r.block(${inBytes})) {
        for (; n > 0; n--) out.push(${this.read(items)});
      }
      return out;`;
  }

  /** A map has no prototype, so that any text is an ordinary key. */
  private mapBody(values: Resolution): string {
    return `const out = Object.create(null);
      for (let n = r.block(true); n > 0; n = r.block(true)) {
        for (; n > 0; n--) { const key = r.string(); out[key] = ${this.read(values)}; }
      }
      return out;`;
  }

  private unionBody(branches: readonly Resolution[]): string {
    const cases = branches.map((branch, index) => {
      const read = isAmbiguous(branch, branches) ? this.readBase(branch) : this.read(branch);
      return `case ${index}: return ${read};`;
    });
    return `switch (r.index(${branches.length})) {\n${cases.join('\n')}\n}`;
  }

  /** Reads the writer's fields in their order into variables, then makes the reader's record. */
  private recordBody({ written, fields }: RecordResolution): string {
    const readers = fields.map(({ field, source }, at) => ({ field, source, variable: `v${at}` }));
    const reads = written.fields.map(({ type }, index) => {
      const targets = readers.filter(({ source }) => source?.index === index);
      const assigned = targets.map(
        ({ source, variable }) => `const ${variable} = ${source === undefined ? '' : this.read(source.resolution)};`,
      );
      if (assigned.length === 0) return `${this.skip(type)};`;
      return assigned
        .join(` r.pos = p${index};\n`)
        .replace(/^/, assigned.length > 1 ? `const p${index} = r.pos;\n` : '');
    });
    const properties = readers.map(({ field, source, variable }) => {
      const value = source === undefined ? `${this.code.constant(this.defaultOf(field))}()` : variable;
      return field.name === '__proto__' ? `['__proto__']: ${value}` : `${quoted(field.name)}: ${value}`;
    });
    return `r.enter();
      ${reads.join('\n')}
      r.leave();
      return { ${properties.join(', ')} };`;
  }

  /** Makes the default of a field, anew for each record. */
  private defaultOf({ type, default: fallback }: AvroField): () => unknown {
    const bytes = Buffer.from(encodeDefault(type, fallback?.json));
    let decode: Decode | undefined;
    return () => {
      decode ??= compileDecoder(this.options.identity(type), this.options);
      return decode(new ByteReader(bytes, 0));
    };
  }

  /** Moves over a value of the writer that the reader does not want, with the same checks of bounds. */
  private skip(type: AvroType): string {
    switch (type.kind) {
      case 'primitive':
        return skipPrimitive(type.name);
      case 'fixed':
        return `r.skip(${type.size})`;
      case 'enum':
        return `r.index(${type.symbols.length})`;
      case 'array':
        return this.skipCall(type, () => this.skipItems(this.skip(type.items), hasBytes(type.items)));
      case 'map':
        return this.skipCall(type, () => this.skipItems(`r.skip(r.length()); ${this.skip(type.values)}`, true));
      case 'union':
        return this.skipCall(type, () => {
          const cases = type.branches.map((branch, index) => `case ${index}: ${this.skip(branch)}; break;`);
          return `switch (r.index(${type.branches.length})) {\n${cases.join('\n')}\n}`;
        });
      case 'record':
        return this.skipCall(type, () => this.skipFields(type));
    }
  }

  private skipCall(type: AvroType, body: () => string): string {
    return `${this.code.functionOf(type, 'r', body)}(r)`;
  }

  private skipItems(skip: string, inBytes: boolean): string {
    return `for (let n = r.block(${inBytes}); n > 0; n = r.block(${inBytes})) {
        for (; n > 0; n--) { ${skip}; }
      }`;
  }

  private skipFields(type: RecordType): string {
    return `r.enter();\n${type.fields.map((field) => `${this.skip(field.type)};`).join('\n')}\nr.leave();`;
  }
}

/**
 * Whether another branch of the union would take the value of this branch's logical type, so that it would be written as
 * something else; so is a whole number that was read from a float. Its values stay those of the base type.
 */
function isAmbiguous(branch: Resolution, branches: readonly Resolution[]): boolean {
  const group = groupOf(branch);
  return branches.some((other) => {
    if (other === branch || group === undefined) return false;
    if (groupOf(other) === group) return true;
    return other.kind === 'primitive' && confusedWith[group].includes(other.to);
  });
}

type Group = 'date' | 'duration' | 'number';

/** Branches, beside those of the same group, whose values may be written in a branch of the group. */
const confusedWith: { readonly [each in Group]: readonly string[] } = {
  date: ['float', 'double'],
  number: ['int', 'long', 'float', 'double'],
  duration: [],
};

/** What the native values of a branch have in common with those of others. */
function groupOf(branch: Resolution): Group | undefined {
  if (branch.kind !== 'primitive' && branch.kind !== 'fixed') return undefined;
  switch (nativeOf(branch.logical)) {
    case 'bigint':
      return 'number';
    case 'instant':
    case 'day':
      return 'date';
    case 'duration':
      return 'duration';
    default:
      return undefined; // a decimal is written in the branch of its scale
  }
}

function readPrimitive({ from, to }: Resolution & { readonly kind: 'primitive' }): string {
  if (from === 'null') return 'null';
  if (from === 'string' && to === 'bytes') return 'r.bytes()';
  if (from === 'bytes' && to === 'string') return 'r.string()';
  if (to === 'float' && from !== 'float') return `Math.fround(Number(r.${from}()))`;
  return to === 'double' && from === 'long' ? 'Number(r.long())' : `r.${from}()`;
}

function skipPrimitive(name: (AvroType & { readonly kind: 'primitive' })['name']): string {
  switch (name) {
    case 'null':
      return '';
    case 'float':
      return 'r.skip(4)';
    case 'double':
      return 'r.skip(8)';
    case 'bytes':
    case 'string':
      return 'r.skip(r.length())';
    default:
      return `r.${name}()`;
  }
}
