import { parseDocument } from '../read/parse-document';
import { type SecretSpan, secretSpans } from './secret-spans';

/** A document with its secrets located. */
export interface HiddenDocument {
  readonly spans: readonly SecretSpan[];
  /** The text with `***` in place of each secret, and `*** (changed)` where `isChanged` returns true. */
  show(isChanged?: (span: SecretSpan) => boolean): string;
}

/**
 * Replaces the secrets of a YAML or JSON document by `***`: users, passwords, credentials in addresses, and variables and
 * keys with the name of a secret. Comments and layout stay. A text that cannot be parsed is not shown at all.
 */
export function hideSecrets(text: string): string {
  return hiddenDocument(text).show();
}

export function hiddenDocument(text: string): HiddenDocument {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (parseDocument(plain, 'document').source === undefined) {
    return { spans: [], show: () => '# the document is not shown, because it cannot be parsed\n' };
  }
  const spans = secretSpans(plain);
  return {
    spans,
    show: (isChanged = () => false) => {
      // aliases make one value the value of several settings
      const changed = new Set(spans.filter(isChanged).map(({ start }) => start));
      const parts: string[] = [];
      let at = 0;
      for (const { start, end, shown } of spans) {
        if (start < at) continue;
        parts.push(plain.slice(at, start), shown(changed.has(start) ? '*** (changed)' : '***'));
        at = end;
      }
      return [...parts, plain.slice(at)].join('');
    },
  };
}
