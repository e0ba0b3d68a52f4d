const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
];

/** Time between an ISO time and now as people say it: `3 min`, of two units while the first is small: `1 h 20 min`. */
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
