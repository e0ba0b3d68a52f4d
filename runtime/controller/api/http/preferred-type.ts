/** The type among those offered that an Accept header wants most; the first one when it wants none of them more. */
export function preferredType(accept: string | undefined, offered: readonly [string, ...string[]]): string {
  const ranges = (accept ?? '*/*').split(',').map(readRange);
  const weighed = offered.map((type) => ({ type, weight: weightOf(type, ranges) }));
  return weighed.reduce((best, each) => (each.weight > best.weight ? each : best)).type;
}

interface Range {
  readonly type: string;
  readonly weight: number;
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
}

/** That of the range which names the type most closely. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const [family] = type.split('/');
  const named = [type, `${family}/*`, '*/*'].map((range) => ranges.find((each) => each.type === range));
  return named.find((range) => range !== undefined)?.weight ?? 0;
}
