const msOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as users write it: a number of seconds, or a number with a unit. */
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;

/** A hundred years: what is longer has no end that a date can have. */
export const maxDurationMs = 36_500 * msOf.d;

/** Milliseconds of `30`, `30s`, `1.5m`, `1h` or `2d`; a number alone is seconds. Undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = durationPattern.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * msOf[unit as keyof typeof msOf];
}
