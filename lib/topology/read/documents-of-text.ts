import {
  Document,
  type DocumentOptions,
  isScalar,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
} from 'yaml';

/**
 * Documents without the empty ones, such as the one after a `---` at the end of a file; the first one, if all are empty.
 * A written `null` is not empty.
 */
export function withContent<Each extends Document>(documents: readonly Each[]): readonly Each[] {
  const found = documents.filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0);
  return found.length > 0 ? found : documents.slice(0, 1);
}

/** The document of a text that is known to have one; its ranges are those of the text. */
export function documentOf(text: string, options: ParseOptions & DocumentOptions & SchemaOptions = {}): Document {
  const parsed = parseAllDocuments(text, options);
  return withContent(Array.isArray(parsed) ? parsed : [])[0] ?? new Document(null, options);
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}
