const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const nameRule = 'must consist of letters, digits and underscores, and must not begin with a digit';

/** Whether a text is a name without a namespace. */
export function isAvroName(text: string): boolean {
  return namePattern.test(text);
}

/** Whether a text is a name with or without a namespace. */
export function isAvroFullName(text: string): boolean {
  return text.split('.').every(isAvroName);
}

/** A name with its namespace. A name with a dot has its own; the empty namespace is none. */
export function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

export function namespaceOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
}
