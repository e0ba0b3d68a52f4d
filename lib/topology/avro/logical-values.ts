/** Values of Avro's logical types for which JavaScript has no class. */

const decimalText = /^([+-]?)(\d+)(?:\.(\d*))?$/;

/** A decimal number without rounding: `unscaled` divided by 10 to the power of `scale`. */
export class Decimal {
  /** `scale` is 0 or more. Throws RangeError otherwise. */
  constructor(
    readonly unscaled: bigint,
    readonly scale = 0,
  ) {
    if (typeof unscaled !== 'bigint') throw new RangeError('the unscaled number of a Decimal is a bigint');
    if (!Number.isSafeInteger(scale) || scale < 0) throw new RangeError(`the scale of a Decimal is ${scale}`);
    Object.freeze(this);
  }

  /** The decimal of a text such as `-12.50`, or of a whole number. Throws RangeError for anything else. */
  static of(value: string | number | bigint): Decimal {
    return decimalOf(String(value));
  }

  /** All digits, as in `-0.05`. `Number(decimal)` rounds to a double. */
  toString(): string {
    const { unscaled, scale } = this;
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    const text = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
    return unscaled < 0n ? `-${text}` : text;
  }

  toJSON(): string {
    return this.toString();
  }
}

function decimalOf(text: string): Decimal {
  const [, sign = '', whole = '', fraction = ''] = decimalText.exec(text) ?? [];
  if (whole === '') throw new RangeError(`no decimal: ${text.slice(0, 40)}`);
  const digits = BigInt(whole + fraction);
  return new Decimal(sign === '-' ? -digits : digits, fraction.length);
}

/** A length of time in months, days and milliseconds, none of which can be converted to another. Each has 32 bits. */
export class Duration {
  /** Throws RangeError unless each is a whole number from 0 to 2^32 - 1. */
  constructor(
    readonly months: number,
    readonly days: number,
    readonly milliseconds: number,
  ) {
    for (const [unit, count] of Object.entries({ months, days, milliseconds })) {
      if (count >>> 0 !== count) throw new RangeError(`the ${unit} of a Duration are ${count}, not 0 to 4294967295`);
    }
    Object.freeze(this);
  }
}
