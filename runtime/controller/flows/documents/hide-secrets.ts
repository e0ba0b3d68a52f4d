import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { documentName } from './read-flow-document';
import { type SecretSpan, secretSpans } from './secret-spans';

/** A document whose secrets can be hidden. */
export interface HiddenDocument {
  readonly spans: readonly SecretSpan[];
  /** The text, with `***` in the place of each secret, and a note at those for which `isChanged` holds. */
  show(isChanged?: (span: SecretSpan) => boolean): string;
}

/**
 * A document's text, YAML or JSON, with `***` in place of users, passwords, variables and keys named like secrets, and
 * credentials in addresses; comments and layout stay. A text that cannot be read is not shown at all.
 */
export function hideSecrets(text: string): string {
  return hiddenDocument(text).show();
}

export function hiddenDocument(text: string): HiddenDocument {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (parseDocument(plain, documentName).source === undefined) {
    return { spans: [], show: () => '# a document that cannot be read is not shown\n' };
  }
  const spans = secretSpans(plain);
  return {
    spans,
    show: (isChanged = () => false) => {
      // one value may be several settings, by aliases
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
