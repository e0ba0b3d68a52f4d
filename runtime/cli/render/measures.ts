const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
];

/** Time between an ISO time and now for people: `3 min`; in two units while the first is small: `1 h 20 min`. */
export function age(since: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(since)) / 1_000));
  const at = units.findIndex((unit) => seconds >= unit.seconds);
  const unit = units[at];
  if (unit === undefined) return '0 s';
  const count = Math.floor(seconds / unit.seconds);
  const next = units[at + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % unit.seconds) / next.seconds);
  const isSmall = count < 3 && unit.name !== 'min' && rest > 0;
  return isSmall ? `${count} ${unit.name} ${rest} ${next?.name}` : `${count} ${unit.name}`;
}

/** A count with its thousands separated; a dash where there is none. */
export function fullCount(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US');
}

const steps = [
  { at: 1e9, name: 'G' },
  { at: 1e6, name: 'M' },
];

/** A count in at most seven characters: `123,456`, `1.23M`; a dash where there is none. */
export function shortCount(value: number | undefined): string {
  const step = steps.find(({ at }) => value !== undefined && value >= at);
  if (value === undefined || step === undefined) return fullCount(value);
  const count = value / step.at;
  return `${count >= 100 ? fullCount(Math.floor(count)) : (Math.floor(count * 100) / 100).toFixed(2)}${step.name}`;
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${fullCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** What a function processed so far, or, for a source, wrote. */
interface Moved {
  readonly function: string;
  readonly in?: number | undefined;
  readonly out?: number | undefined;
}

/** Rates are averages over about this long. */
const windowMs = 10_000;
/** Two samples that are nearer to each other give no rate. */
const leastMs = 500;

interface Sample {
  readonly atMs: number;
  readonly moved: ReadonlyMap<string, number>;
}

/** Records per second of each function, from successive counts. */
export class Rates {
  private samples: readonly Sample[] = [];

  /** By function; empty until there are two samples to compare. */
  take(functions: readonly Moved[], nowMs: number): ReadonlyMap<string, number> {
    const moved = new Map(functions.map((fn) => [fn.function, fn.in ?? fn.out ?? 0]));
    // one sample from before the window stays, to compare with after a quiet time
    const since = this.samples.findLastIndex(({ atMs }) => nowMs - atMs >= windowMs);
    this.samples = [...this.samples.slice(Math.max(0, since)), { atMs: nowMs, moved }];
    const [oldest] = this.samples;
    if (oldest === undefined || nowMs - oldest.atMs < leastMs) return new Map();
    const perSecond = (name: string, count: number) =>
      Math.max(0, ((count - (oldest.moved.get(name) ?? count)) * 1_000) / (nowMs - oldest.atMs));
    return new Map([...moved].map(([name, count]) => [name, perSecond(name, count)]));
  }
}
