/** A decoded record as JSON on one line: longs in full, bytes as base64, NaN and infinities as null. */
export function renderJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (Array.isArray(value)) return `[${value.map(renderJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${renderJson(field)}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}
