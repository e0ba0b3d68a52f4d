import { stringify } from 'yaml';

/** A document as YAML that a person can read: code in blocks, no line folded. */
export function renderDocument(value: unknown): string {
  return stringify(value, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false });
}
