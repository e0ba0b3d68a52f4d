import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, type Scalar, type YAMLMap } from 'yaml';
import { isSecretVariable } from '../check/check-secrets';
import { isSecretName } from '../problem/show-value';
import { documentOf } from '../read/documents-of-text';
import { secretTextRanges, type TextKind, type TextRange } from './secret-text-ranges';

/** The place of a secret in the text of a document. */
export interface SecretSpan extends TextRange {
  /** Identifies the setting in several documents, with functions by their ids; undefined in a comment. */
  readonly name?: string;
  readonly value: string;
  /** The replacement, with `mark` for the secret; the text remains valid YAML or JSON. */
  readonly shown: (mark: string) => string;
}

/** The secrets of a valid YAML or JSON document, in the order of the text. */
export function secretSpans(text: string): readonly SecretSpan[] {
  // YAML, unlike JSON, forbids tabs as indentation; single spaces keep the offsets
  const isJson = /^\s*[{[]/.test(text);
  const plain = isJson ? text.replace(/^[ \t]+/gm, (indent) => ' '.repeat(indent.length)) : text;
  const document = documentOf(plain, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  const finder = new SecretFinder(document, text);
  finder.visit(document.contents, { path: '', part: 'flow', isHidden: false });
  return inOrder([...finder.spans, ...(isJson ? [] : commentSpans(text))]);
}

/** Parts of a document in which the same key has different meanings. */
type Part = 'flow' | 'meta' | 'container';

interface Frame {
  readonly path: string;
  readonly part: Part;
  /** Whether an ancestor key has the name of a secret. */
  readonly isHidden: boolean;
}

class SecretFinder {
  readonly spans: SecretSpan[] = [];

  constructor(
    private readonly document: Document,
    private readonly text: string,
  ) {}

  visit(node: unknown, frame: Frame): void {
    // an alias reveals nothing itself, but its anchor's value has to be hidden where it is written
    if (isAlias(node)) {
      if (frame.isHidden) this.visit(node.resolve(this.document), frame);
    } else if (isMap(node)) this.visitMap(node, frame);
    else if (isSeq(node)) {
      node.items.forEach((item, index) => {
        this.visit(item, { ...frame, path: `${frame.path}[${idOf(item) ?? index}]` });
      });
    } else if (isScalar(node)) this.visitScalar(node, frame);
  }

  private visitMap(map: YAMLMap, { path, part, isHidden }: Frame): void {
    const isVariable = isSecretVariable({ name: map.get('name'), value: map.get('value') });
    for (const { key, value } of map.items) {
      const name = String(isScalar(key) ? key.value : '');
      if (part === 'flow' && name === 'schema') continue;
      this.visit(value, {
        path: `${path}.${name}`,
        part:
          part === 'flow' && name === 'meta'
            ? 'meta'
            : part !== 'container' && name === 'container'
              ? 'container'
              : part,
        isHidden: isHidden || isSecretKey(name, part) || (isVariable && name === 'value'),
      });
    }
  }

  private visitScalar(scalar: Scalar, { path, part, isHidden }: Frame): void {
    const { value, range } = scalar;
    if (!range || value === '' || (typeof value !== 'string' && typeof value !== 'number')) return;
    const [start, end] = range;
    const written = this.text.slice(start, end);
    if (isHidden) {
      const rest = written.endsWith('\n') ? '\n' : '';
      this.spans.push({ start, end, name: path, value: String(value), shown: (mark) => `"${mark}"${rest}` });
      return;
    }
    const kind = part === 'meta' && path.endsWith('.code') ? 'code' : 'value';
    secretTextRanges(written, kind).forEach((within, index) => {
      this.spans.push(spanWithin(this.text, { ...within, offset: start, name: `${path}#${index}` }));
    });
  }
}

/** The key `secret` refers to a Secret of the cluster, except in the user's own settings in `meta`. */
function isSecretKey(name: string, part: Part): boolean {
  if (name === 'user' || name === 'password') return true;
  return isSecretName(name) && (name !== 'secret' || part === 'meta');
}

function idOf(item: unknown): string | undefined {
  const id = isMap(item) ? (item.get('id') ?? item.get('name')) : undefined;
  return typeof id === 'string' ? id : undefined;
}

function spanWithin(
  text: string,
  { start, end, offset, name }: TextRange & { readonly offset: number; readonly name?: string },
): SecretSpan {
  const [from, to] = [offset + start, offset + end];
  return {
    start: from,
    end: to,
    ...(name === undefined ? {} : { name }),
    value: text.slice(from, to),
    shown: (mark) => mark,
  };
}

/** Secrets in comments, such as settings that were commented out. */
function commentSpans(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  const kind: TextKind = 'comment';
  let offset = 0;
  let isAfterMark = false;
  for (const token of new Lexer().lex(text)) {
    const isMark = token === '\u001f' || token === '\u0002' || token === '\u0018';
    if (isMark) {
      isAfterMark = token === '\u001f';
      continue;
    }
    if (token.startsWith('#') && !isAfterMark) {
      for (const within of secretTextRanges(token, kind)) spans.push(spanWithin(text, { ...within, offset }));
    }
    isAfterMark = false;
    offset += token.length;
  }
  return spans;
}

/** Sorted, without spans that lie within another one. */
function inOrder(spans: readonly SecretSpan[]): readonly SecretSpan[] {
  const sorted = [...spans].sort((one, other) => one.start - other.start || other.end - one.end);
  let end = 0;
  return sorted.filter((span, index) => {
    const isSame = span.start === sorted[index - 1]?.start && span.end === end;
    const isWithin = span.start < end && !isSame;
    if (!isWithin) end = span.end;
    return !isWithin;
  });
}
