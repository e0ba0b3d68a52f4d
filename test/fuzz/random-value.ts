import type { AvroType, LogicalType, UnionType } from '../../lib/topology/avro/avro-type';
import type { Random } from '../support/random';

/** A value in the forms of test/fixtures/avro/README.md. */
export type Form = unknown;

const maxDepth = 8;
const number = (text: string): Form => ({ $number: text });
const long = (digits: bigint | string): Form => ({ $long: String(digits) });

const ints = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2147483647, -2147483648];
const longs = [
  ...ints,
  ...[2n ** 31n, -(2n ** 31n) - 1n, 2n ** 52n, -(2n ** 52n) - 1n, 2n ** 53n - 1n, -(2n ** 53n) + 1n].map(Number),
  ...[2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)].map(long),
];
const fractions = [
  '0.5',
  '-2.25',
  '0.1',
  '1234567.891',
  '1e-45',
  '5e-324',
  '3.4028234e+38',
  'NaN',
  'Infinity',
  '-Infinity',
];
/** Whole, and beyond a long: no union has another branch for them. */
const doubles = [...fractions, '1e300', '-1.7976931348623157e308', '2.2250738585072014e-308'];
const wholes = ['0.0', '-0', '3.0', '16777216.0', '9007199254740992.0'];
const texts = ['', 'a', 'ü€', '😀', '\u0000', '"\\\n', 'x'.repeat(63), 'x'.repeat(64), 'e\u0301', '\ufeff', '\u2028'];
const keys = [...texts, '__proto__', 'constructor', '1', '0', '$long', 'toString', '$map'];
const symbolsOfMisfit = ['S9', 's0', ''];

/** Makes values of a type, at the edges of its range rather than in the middle. */
export class RandomValue {
  /** How many unions with several records or maps are open. A value decides there which of them it is in. */
  private lookAlikes = 0;

  constructor(private readonly random: Random) {}

  of(type: AvroType, depth = 0): Form {
    const { random } = this;
    switch (type.kind) {
      case 'primitive':
        return this.primitive(type.name, type.logical);
      case 'enum':
        return random.oneOf(type.symbols);
      case 'fixed':
        return type.logical?.name === 'decimal'
          ? this.decimal(type.logical.precision, type.size)
          : this.bytes(type.size);
      case 'array':
        return Array.from({ length: this.count(depth) }, () => this.of(type.items, depth + 1));
      case 'map':
        return { $map: this.entries(type, depth) };
      case 'union':
        return this.ofUnion(type, depth);
      case 'record':
        return {
          $record: type.fields
            .filter((field) => field.default === undefined || random.next() < 0.7)
            .map((field) => [field.name, this.of(field.type, depth + 1)]),
        };
    }
  }

  /** A value that may not fit: one part of it is another, is left out, or is wrapped in the name of a branch. */
  misfit(form: Form): Form {
    const { random } = this;
    const entries = entriesOf(form);
    const isDeeper = random.next() < 0.7;
    if (Array.isArray(form) && form.length > 0 && isDeeper) {
      const at = random.upTo(form.length) - 1;
      return form.map((item, index) => (index === at ? this.misfit(item) : item));
    }
    if (entries === undefined || entries.length === 0 || !isDeeper) return this.another(form);
    const at = random.upTo(entries.length) - 1;
    const kind = Object.keys(form as object)[0] as string;
    const dice = random.next();
    if (dice < 0.1) return { [kind]: entries.filter((_, index) => index !== at) };
    if (dice < 0.2) return { [kind]: [...entries, ['unknown', 1]] };
    return { [kind]: entries.map(([key, value], index) => [key, index === at ? this.misfit(value) : value]) };
  }

  private another(form: Form): Form {
    // in another place, a dict may be a record, a Map not; a whole number may be an int, a float of Python not
    const kept = /"\$(?:map|number)"/.test(JSON.stringify(form)) ? 'S0' : form;
    return this.random.oneOf<Form>([
      null,
      true,
      5,
      2147483648,
      long(2n ** 53n + 1n),
      long(2n ** 63n),
      number('1.5'),
      number('1e39'),
      number('-3.5e38'),
      'S0',
      this.random.oneOf(symbolsOfMisfit),
      { $text: 'd83d' },
      { $text: '0061dc00' },
      { $bytes: '00' },
      { $bytes: '' },
      [],
      [kept],
      { $record: [] },
      { $record: [[this.random.oneOf(['int', 'double', 'string', 'array', 'R0']), kept]] },
    ]);
  }

  /** Among look-alikes without whole floats and dates, which JavaScript has no kinds of its own for. */
  private primitive(name: string, logical: LogicalType | undefined): Form {
    const { random } = this;
    const hasKinds = this.lookAlikes === 0;
    switch (name) {
      case 'null':
        return null;
      case 'boolean':
        return random.next() < 0.5;
      case 'int':
        return hasKinds && logical?.name === 'date' && random.next() < 0.3 ? { $day: this.day() } : this.int();
      case 'long':
        return hasKinds && /^timestamp/.test(logical?.name ?? '') && random.next() < 0.3
          ? { $instant: this.instant() }
          : this.long();
      case 'float':
        return number(
          random.oneOf([...fractions, ...(hasKinds ? wholes : []), String(Math.fround(random.next() * 1e6 - 5e5))]),
        );
      case 'double':
        return number(random.oneOf([...doubles, ...(hasKinds ? wholes : []), String(random.next() * 1e9 - 5e8)]));
      case 'bytes':
        if (logical?.name === 'decimal') return this.decimal(logical.precision);
        return this.bytes(random.oneOf([0, 1, 2, 63, 64, 200]));
      default:
        return logical?.name === 'uuid' ? this.uuid() : random.oneOf(texts);
    }
  }

  /** Without natural dates, of which JavaScript has one class; whole numbers there are those of int and long. */
  private ofUnion(type: UnionType, depth: number): Form {
    const ends = type.branches.filter(({ kind }) => kind !== 'record' && kind !== 'array' && kind !== 'map');
    const branch = this.random.oneOf(depth > maxDepth && ends.length > 0 ? ends : type.branches);
    // A Map of JavaScript is never a record; an object is one if it fits, as a dict of Python is.
    if (branch.kind === 'map') {
      // JavaScript puts keys of digits first.
      return { $record: this.entries(branch, depth + 1).filter(([key]) => !/^\d+$/.test(key)) };
    }
    if (branch.kind !== 'primitive') {
      const isOneOfSeveral = type.branches.filter(({ kind }) => kind === 'record' || kind === 'map').length > 1;
      if (isOneOfSeveral) this.lookAlikes += 1;
      const made = this.of(branch, depth + 1);
      if (isOneOfSeveral) this.lookAlikes -= 1;
      return made;
    }
    const { name } = branch;
    if (name === 'int') return this.int();
    if (name === 'long') return this.long();
    const hasIntegers = type.branches.some((each) => each.kind === 'primitive' && /^(int|long)$/.test(each.name));
    if (hasIntegers && (name === 'float' || name === 'double'))
      return number(this.random.oneOf(name === 'float' ? fractions : doubles));
    return this.primitive(name, /^(bytes|string)$/.test(name) ? branch.logical : undefined);
  }

  private int(): Form {
    return this.random.next() < 0.7 ? this.random.oneOf(ints) : Math.floor(this.random.next() * 2 ** 32) - 2 ** 31;
  }

  private long(): Form {
    if (this.random.next() < 0.7) return this.random.oneOf(longs);
    const digits = BigInt.asIntN(
      64,
      (BigInt(Math.floor(this.random.next() * 2 ** 32)) << 32n) | BigInt(Math.floor(this.random.next() * 2 ** 32)),
    );
    return Number.isSafeInteger(Number(digits)) ? Number(digits) : long(digits);
  }

  private bytes(size: number): Form {
    return { $bytes: Buffer.from(Array.from({ length: size }, () => this.random.upTo(256) - 1)).toString('hex') };
  }

  private entries(type: AvroType & { readonly kind: 'map' }, depth: number): [string, Form][] {
    return Array.from(this.keys(depth), (key) => [key, this.of(type.values, depth + 1)]);
  }

  /** The bytes of an unscaled number of up to so many digits, as few as possible or as many as given. */
  private decimal(precision: number, size?: number): Form {
    const digits = Array.from({ length: this.random.upTo(precision) }, () => this.random.upTo(10) - 1).join('');
    const unscaled = this.random.next() < 0.5 ? BigInt(digits) : -BigInt(digits);
    let length = size ?? 1;
    while (size === undefined && BigInt.asIntN(length * 8, unscaled) !== unscaled) length++;
    return {
      $bytes: BigInt.asUintN(length * 8, unscaled)
        .toString(16)
        .padStart(length * 2, '0'),
    };
  }

  private uuid(): string {
    const hex = Array.from({ length: 32 }, () => (this.random.upTo(16) - 1).toString(16)).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  private keys(depth: number): Set<string> {
    return new Set(Array.from({ length: this.count(depth) }, () => this.random.oneOf(keys)));
  }

  private count(depth: number): number {
    return depth > maxDepth ? 0 : this.random.oneOf([0, 1, 2, 3, depth > 2 ? 1 : 70]);
  }

  private instant(): string {
    return new Date(Math.floor(this.random.next() * 8e12) - 4e12).toISOString();
  }

  private day(): string {
    return this.instant().slice(0, 10);
  }
}

function entriesOf(form: Form): (readonly [unknown, Form])[] | undefined {
  if (typeof form !== 'object' || form === null || Array.isArray(form)) return undefined;
  const { $record, $map } = form as { $record?: (readonly [unknown, Form])[]; $map?: (readonly [unknown, Form])[] };
  return $record ?? $map;
}
