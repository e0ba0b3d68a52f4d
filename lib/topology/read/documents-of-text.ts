import {
  Document,
  type DocumentOptions,
  isScalar,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
  YAMLParseError,
} from 'yaml';

/**
 * Documents without the empty ones, such as the one after a `---` at the end of a file; the first one, if all are empty.
 * A written `null` is not empty.
 */
export function withContent<Each extends Document>(documents: readonly Each[]): readonly Each[] {
  const found = documents.filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0);
  return found.length > 0 ? found : documents.slice(0, 1);
}

/** The document of a text, with ranges in the text. A second one, unless it is empty, is among its errors. */
export function documentOf(text: string, options: ParseOptions & DocumentOptions & SchemaOptions = {}): Document {
  const parsed = parseAllDocuments(text, options);
  const [document, second] = withContent(Array.isArray(parsed) ? parsed : []);
  if (document === undefined) return new Document(null, options);
  if (second !== undefined) {
    const [start, end] = second.range;
    document.errors.push(new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'a second document begins here'));
  }
  return document;
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}
