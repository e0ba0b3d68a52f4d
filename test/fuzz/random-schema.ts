import type { Random } from '../support/random';

type Json = unknown;
type Named = { readonly full: string; readonly kind: 'record' | 'enum' | 'fixed'; isOpen: boolean };
interface Place {
  readonly namespace: string;
  readonly depth: number;
  /** Whether a value can end here: in an array, a map, or beside null. A type may contain itself only in such places. */
  readonly canEnd: boolean;
  /** Whether a union may stand here. */
  readonly inUnion: boolean;
}

const maxDepth = 4;
const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
const oddNames = [
  '__proto__',
  'constructor',
  'toString',
  '_',
  'hasOwnProperty',
  'valueOf',
  'length',
  'self',
  'None',
  'class',
];
const logicalTypes: { readonly [base: string]: readonly string[] } = {
  int: ['date', 'time-millis'],
  long: [
    'timestamp-millis',
    'timestamp-micros',
    'timestamp-nanos',
    'local-timestamp-millis',
    'local-timestamp-micros',
    'local-timestamp-nanos',
    'time-micros',
  ],
  bytes: ['decimal'],
  string: ['uuid'],
};

/** Makes schemas of every type of Avro: recursive, with unions, logical types, namespaces and defaults. */
export class RandomSchema {
  private readonly named: Named[] = [];

  constructor(private readonly random: Random) {}

  /** A record mostly, because that is what functions exchange; longs beyond 2^53 are bigints. */
  make(): Json {
    const place = { namespace: '', depth: 0, canEnd: false, inUnion: false };
    return this.random.next() < 0.85 ? this.record(place) : this.type(place);
  }

  private type(place: Place): Json {
    const { random } = this;
    const dice = random.next();
    if (place.depth >= maxDepth || dice < 0.45) return this.primitive();
    const inside = { ...place, depth: place.depth + 1 };
    if (dice < 0.52) return this.enum(inside);
    if (dice < 0.58) return this.fixed(inside);
    if (dice < 0.66) return { type: 'array', items: this.type({ ...inside, canEnd: true, inUnion: false }) };
    if (dice < 0.72) return { type: 'map', values: this.type({ ...inside, canEnd: true, inUnion: false }) };
    if (dice < 0.8) return this.reference(place) ?? this.primitive();
    if (dice < 0.9 && !place.inUnion) return this.union(inside);
    return this.record(inside);
  }

  private primitive(): Json {
    const name = this.random.oneOf(primitives);
    const logical = logicalTypes[name];
    if (logical === undefined || this.random.next() < 0.6) return this.random.next() < 0.9 ? name : { type: name };
    const logicalType = this.random.oneOf(logical);
    return logicalType === 'decimal' ? { type: name, ...this.decimal(20) } : { type: name, logicalType };
  }

  private decimal(maxPrecision: number): object {
    const precision = this.random.upTo(maxPrecision);
    return { logicalType: 'decimal', precision, scale: this.random.upTo(precision + 1) - 1 };
  }

  private record(place: Place): Json {
    const { head, named, namespace } = this.declare('record', place);
    const names = new Set(Array.from({ length: this.random.upTo(6) - 1 }, (_, index) => this.fieldName(index)));
    const fields = [...names].map((name) => {
      const type = this.type({ namespace, depth: place.depth + 1, canEnd: false, inUnion: false });
      const field: { [key: string]: Json } = { name, type };
      const given = this.random.next() < 0.3 ? this.defaultOf(type) : undefined;
      if (given !== undefined) field.default = given;
      if (this.random.next() < 0.05) field.order = this.random.oneOf(['ascending', 'descending', 'ignore']);
      return field;
    });
    named.isOpen = false;
    return { ...head, fields };
  }

  private enum(place: Place): Json {
    const { head, named } = this.declare('enum', place);
    named.isOpen = false;
    return { ...head, symbols: Array.from({ length: this.random.upTo(4) }, (_, index) => `S${index}`) };
  }

  private fixed(place: Place): Json {
    const { head, named } = this.declare('fixed', place);
    named.isOpen = false;
    if (this.random.next() < 0.15) return { ...head, size: 12, logicalType: 'duration' };
    if (this.random.next() < 0.15) return { ...head, size: 16, logicalType: 'uuid' };
    const size = this.random.oneOf([0, 1, 2, 8, 16]);
    return this.random.next() < 0.2 && size === 8 ? { ...head, size, ...this.decimal(18) } : { ...head, size };
  }

  private union(place: Place): Json {
    const branches: Json[] = [];
    const keys = new Set<string>();
    const withNull = this.random.next() < 0.7;
    if (withNull) add('null', 'null');
    for (let count = this.random.upTo(5); count > 0; count--) {
      const branch = this.type({ ...place, canEnd: place.canEnd || withNull, inUnion: true });
      add(branch, this.keyOf(branch));
    }
    if (branches.length === 0) add('int', 'int');
    return this.random.next() < 0.3 ? [...branches].reverse() : branches;

    function add(branch: Json, key: string): void {
      if (!keys.has(key)) branches.push(branch);
      keys.add(key);
    }
  }

  /** What two branches of a union must not share. */
  private keyOf(branch: Json): string {
    const kind = typeof branch === 'string' ? branch : String((branch as { type: string }).type);
    return ['record', 'enum', 'fixed'].includes(kind) ? `definition ${this.named.length}` : kind;
  }

  private reference(place: Place): string | undefined {
    // A name without a namespace is one in the namespace around it first, so it is not referred to from within one.
    const isNamable = ({ full }: Named) => full.includes('.') || place.namespace === '';
    const known = this.named.filter((each) => (!each.isOpen || place.canEnd) && isNamable(each));
    if (known.length === 0) return undefined;
    const { full } = this.random.oneOf(known);
    const [short, space] = [full.slice(full.lastIndexOf('.') + 1), full.slice(0, Math.max(0, full.lastIndexOf('.')))];
    return space === place.namespace && this.random.next() < 0.5 ? short : full;
  }

  private declare(
    kind: Named['kind'],
    place: Place,
  ): { head: { type: string; name: string }; named: Named; namespace: string } {
    const odd = this.random.next() < 0.08 ? this.random.oneOf(oddNames) : undefined;
    const base = `${odd ?? kind.charAt(0).toUpperCase()}${this.named.length}`;
    const dice = this.random.next();
    const own = dice < 0.15 ? 'n.s' : dice < 0.25 ? 'other' : undefined;
    const namespace = own ?? place.namespace;
    const full = namespace === '' ? base : `${namespace}.${base}`;
    const head =
      own === undefined
        ? { type: kind, name: base }
        : this.random.next() < 0.5
          ? { type: kind, name: full }
          : { type: kind, name: base, namespace: own };
    const named: Named = { full, kind, isOpen: true };
    this.named.push(named);
    return { head, named, namespace };
  }

  private fieldName(index: number): string {
    return this.random.next() < 0.1 ? this.random.oneOf(oddNames) : `f${index}`;
  }

  /** The JSON of a default; undefined for types whose default would need the defaults of others. */
  private defaultOf(type: Json): Json {
    if (Array.isArray(type)) return this.defaultOf(type[0]);
    if (typeof type === 'object' && type !== null) {
      const schema = type as { type: string; symbols?: string[]; size?: number };
      if (schema.type === 'array') return [];
      if (schema.type === 'map') return {};
      if (schema.type === 'enum') return this.random.oneOf(schema.symbols ?? []);
      if (schema.type === 'fixed') return '\u00ff'.repeat(schema.size ?? 0);
      // One digit, which every decimal has.
      return 'precision' in schema ? '\u0001' : this.defaultOf(schema.type);
    }
    const defaults: { readonly [name: string]: readonly Json[] } = {
      null: [null],
      boolean: [true, false],
      int: [0, -1, 2147483647],
      long: [0, 9223372036854775807n, -9223372036854775808n, 9007199254740993n],
      float: [0, 1.5, -2],
      double: [0.1, 1e300, 3],
      bytes: ['', '\u0000\u00ff'],
      string: ['', 'ü', '"', '😀'],
    };
    const known = defaults[type as string];
    return known === undefined ? undefined : this.random.oneOf(known);
  }
}
