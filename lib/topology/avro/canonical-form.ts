import { type AvroType, type EnumType, type FixedType, innerTypes, type RecordType } from './avro-type';

/** The Parsing Canonical Form of a schema, as section "Transforming into Parsing Canonical Form" of Avro 1.12 defines it. */
export function canonicalForm(type: AvroType): string {
  return render(type, new Set());
}

function render(type: AvroType, defined: Set<AvroType>): string {
  switch (type.kind) {
    case 'primitive':
      return JSON.stringify(type.name);
    case 'union':
      return `[${type.branches.map((branch) => render(branch, defined)).join(',')}]`;
    case 'array':
      return `{"type":"array","items":${render(type.items, defined)}}`;
    case 'map':
      return `{"type":"map","values":${render(type.values, defined)}}`;
    case 'enum':
    case 'fixed':
    case 'record': {
      if (defined.has(type)) return JSON.stringify(type.name);
      defined.add(type);
      return `{"name":${JSON.stringify(type.name)},"type":"${type.kind}",${contentOf(type, defined)}}`;
    }
  }
}

function contentOf(type: EnumType | FixedType | RecordType, defined: Set<AvroType>): string {
  switch (type.kind) {
    case 'enum':
      return `"symbols":${JSON.stringify(type.symbols)}`;
    case 'fixed':
      return `"size":${type.size}`;
    case 'record': {
      const fields = type.fields.map(
        (field) => `{"name":${JSON.stringify(field.name)},"type":${render(field.type, defined)}}`,
      );
      return `"fields":[${fields.join(',')}]`;
    }
  }
}

/**
 * Whether two types have the same fingerprint, but decimals of other precision or scale, which the canonical form leaves out:
 * messages of the one would be read as other numbers by the other.
 */
export function differInDecimals(one: AvroType, other: AvroType): boolean {
  return canonicalForm(one) === canonicalForm(other) && decimalsOf(one) !== decimalsOf(other);
}

function decimalsOf(type: AvroType, seen = new Set<AvroType>()): string {
  if (seen.has(type)) return '';
  seen.add(type);
  const logical = type.kind === 'primitive' || type.kind === 'fixed' ? type.logical : undefined;
  const own = logical?.name === 'decimal' ? `${logical.precision},${logical.scale}` : '';
  return `${own};${innerTypes(type)
    .map((inner) => decimalsOf(inner, seen))
    .join('')}`;
}

const empty = 0xc15d213aa4d7a795n;
const table = BigUint64Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (empty & -(value & 1n));
  return BigInt.asUintN(64, value);
});

/** CRC-64-AVRO of a schema's Parsing Canonical Form: the 16 hex digits of a message's header, least significant byte first. */
export function avroFingerprint(type: AvroType): string {
  let value = empty;
  for (const byte of new TextEncoder().encode(canonicalForm(type))) {
    value = (value >> 8n) ^ (table[Number((value ^ BigInt(byte)) & 0xffn)] ?? 0n);
  }
  const digits = value.toString(16).padStart(16, '0');
  return (digits.match(/../g) ?? []).reverse().join('');
}
