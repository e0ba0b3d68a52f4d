const steps = [
  { at: 1e9, name: 'G' },
  { at: 1e6, name: 'M' },
];

/** A count in at most seven characters: `123,456`, `1.23M`; a dash where there is none. */
export function shortCount(value: number | undefined): string {
  if (value === undefined) return '-';
  const step = steps.find(({ at }) => value >= at);
  if (step === undefined) return value.toLocaleString('en-US');
  const count = value / step.at;
  return `${count >= 100 ? Math.floor(count).toLocaleString('en-US') : (Math.floor(count * 100) / 100).toFixed(2)}${step.name}`;
}
