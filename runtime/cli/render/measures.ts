const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
];

/** Time from an ISO time until now, for people: `3 min`, or in two units: `1 h 20 min`. */
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

/** A count with thousands separators; a dash for undefined. */
export function fullCount(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US');
}

const steps = [
  { at: 1e9, name: 'G' },
  { at: 1e6, name: 'M' },
];

/** A count in at most seven characters: `123,456`, `1.23M`; a dash for undefined. */
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

/** The records that a function has processed or, for a source, written. */
interface Moved {
  readonly function: string;
  readonly in?: number | undefined;
  readonly out?: number | undefined;
}

/** Rates are averages over about this time. */
const windowMs = 10_000;
/** Minimum time between two samples that are compared. */
const leastMs = 500;

interface Sample {
  readonly atMs: number;
  readonly moved: ReadonlyMap<string, number>;
}

/** Records per second of each function, from successive counts. */
export class Rates {
  private samples: readonly Sample[] = [];

  /** Rates by function; empty until two samples can be compared. */
  take(functions: readonly Moved[], nowMs: number): ReadonlyMap<string, number> {
    const moved = new Map(functions.map((fn) => [fn.function, fn.in ?? fn.out ?? 0]));
    // keep one sample from before the window, to compare with after a pause
    const since = this.samples.findLastIndex(({ atMs }) => nowMs - atMs >= windowMs);
    this.samples = [...this.samples.slice(Math.max(0, since)), { atMs: nowMs, moved }];
    const [oldest] = this.samples;
    if (oldest === undefined || nowMs - oldest.atMs < leastMs) return new Map();
    const perSecond = (name: string, count: number) =>
      Math.max(0, ((count - (oldest.moved.get(name) ?? count)) * 1_000) / (nowMs - oldest.atMs));
    return new Map([...moved].map(([name, count]) => [name, perSecond(name, count)]));
  }
}
