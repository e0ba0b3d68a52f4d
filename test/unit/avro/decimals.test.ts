import { Decimal, Duration } from '../../../lib/topology/avro/logical-values';
import { AvroCodec } from '../../../runtime/avro/avro-codec';

const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale });
const recordOf = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });

function misfitOf(type: unknown, f: unknown): string | undefined {
  const codec = new AvroCodec(recordOf(type));
  expect(codec.encode({ f })).toBeUndefined();
  return codec.misfit({ f });
}

test('a Decimal has all digits of its text', () => {
  const forms = ['0', '-0.05', '12.50', '-7', `${'9'.repeat(40)}.${'1'.repeat(40)}`];
  expect(forms.map((form) => String(Decimal.of(form)))).toEqual(forms);
  expect(Decimal.of('12.50')).toEqual(new Decimal(1250n, 2));
  expect(JSON.stringify({ price: Decimal.of('+12.50') })).toBe('{"price":"12.50"}');
  for (const none of ['', '1e3', 'x', '.5', Number.NaN]) expect(() => Decimal.of(none)).toThrow('no decimal');
  expect(() => new Decimal(1n, -1)).toThrow('scale');
});

test('a Decimal is written with the scale of the type, exactly or not at all', () => {
  const codec = new AvroCodec(recordOf(decimal(4, 2)), { logicalTypes: true });
  const copy = (text: string) =>
    String((codec.decode(codec.encode({ f: Decimal.of(text) }) ?? Buffer.of()) as { f: Decimal }).f);
  expect(['1', '1.5', '-1.500', '99.99', '0.0000'].map(copy)).toEqual(['1.00', '1.50', '-1.50', '99.99', '0.00']);
  for (const text of ['1.234', '100', `0.${'0'.repeat(5_000)}1`]) {
    expect(misfitOf(decimal(4, 2), Decimal.of(text))).toContain('it has more than 4 digits, or 2 decimals');
  }
  expect(misfitOf(decimal(4, 2), new Decimal(1n, Number.MAX_SAFE_INTEGER))).toBeDefined();
});

test('a Decimal is no value of another type, and digits alone are no decimal', () => {
  expect(misfitOf('string', Decimal.of('1.5'))).toBe('f: expected string, got Decimal 1.5; use String(value)');
  expect(misfitOf('double', Decimal.of('1.5'))).toBe(
    'f: expected double, got Decimal 1.5; use Number(value), which rounds',
  );
  expect(misfitOf('bytes', Decimal.of('1.5'))).toContain('declare {"type": "bytes", "logicalType": "decimal"');
  for (const value of [1.5, '1.5', 1n]) expect(misfitOf(decimal(4, 2), value)).toContain('use Decimal.of(value)');
});

test('a Duration has whole numbers of 32 bits, and is no record', () => {
  for (const part of [-1, 1.5, 2 ** 32]) expect(() => new Duration(0, part, 0)).toThrow('the days of a Duration');
  const fields = ['months', 'days', 'milliseconds'].map((name) => ({ name, type: 'long' }));
  expect(misfitOf({ type: 'record', name: 'D', fields }, new Duration(1, 2, 3))).toBe(
    'f: expected record D, got a Duration',
  );
});
