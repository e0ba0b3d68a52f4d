/** Whether the first level of a document, YAML or JSON, has a key and none of the others. */
export function hasKeyAlone(text: string, key: string, others: readonly string[]): boolean {
  const isAt = (name: string) => new RegExp(`^(?:\\s*\\{\\s*)?["']?${name}["']?\\s*:`, 'm').test(text);
  if (!/^\s*\{/.test(text)) return isAt(key) && !others.some(isAt);
  try {
    const document = JSON.parse(text) as object;
    return key in document && !others.some((other) => other in document);
  } catch {
    // YAML in braces
    return isAt(key) && !others.some((other) => new RegExp(`["']?${other}["']?\\s*:`).test(text));
  }
}
