import { Composer, type CST, type Document, Lexer, LineCounter, Parser, type YAMLError } from 'yaml';
import type { Problem } from '../problem/problem';
import { composeValue, type Fault } from './compose-value';
import { DocumentSource } from './document-source';
import { withContent } from './documents-of-text';
import { NestingDepth } from './nesting-depth';

/** Maximum number of reported syntax errors. */
const maxListed = 100;

export interface ParsedDocument {
  /** Absent if the text is not YAML, or not a single document with a map. */
  readonly source?: DocumentSource;
  readonly problems: readonly Problem[];
}

/** What a document is, for messages, and a key that it has. */
export interface DocumentKind {
  readonly name: string;
  readonly key: string;
}

const topologyKind: DocumentKind = { name: 'topology', key: 'dag' };

/** Parses YAML or JSON text, by default a topology, into plain data with positions. All syntax errors are reported. */
export function parseDocument(text: string, file: string, kind: DocumentKind = topologyKind): ParsedDocument {
  const prepared = prepareText(text);
  const lines = new LineCounter();
  const problemsOf = (faults: readonly Fault[], severity: Problem['severity'] = 'error'): Problem[] =>
    faults.slice(0, maxListed).map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return { severity, code: 'syntax', file, line: Math.max(1, line), col: Math.max(1, col), path: '', message };
    });

  const { documents, tooDeep } = composeDocuments(prepared, lines);
  if (tooDeep !== undefined) {
    return { problems: problemsOf([{ offset: tooDeep, message: `nested too deep for a ${kind.name}` }]) };
  }
  const [document, second] = documents;
  if (document === undefined) return { problems: problemsOf([{ offset: 0, message: 'the file is empty' }]) };
  const errors = [document, second].flatMap((each) => each?.errors ?? []).map(faultOf);
  if (errors.length > 0) return { problems: problemsOf(errors) };
  if (second !== undefined) {
    const offset = second.contents?.range?.[0] ?? second.range[0];
    return {
      problems: problemsOf([
        { offset, message: `a second document begins here; a file must contain one ${kind.name}` },
      ]),
    };
  }

  const { value, place, faults } = composeValue(document);
  const problems = [...problemsOf(faults), ...problemsOf(document.warnings.map(faultOf), 'warning')];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = value === null ? 'the file is empty' : `must be a map with the key "${kind.key}"`;
    return { problems: [...problems, ...problemsOf([{ offset: place.at, message }])] };
  }
  return { source: new DocumentSource(value, place, { file, text: prepared, lines }), problems };
}

/** The YAML documents of a text, without empty ones; for text that is nested too deep, only the offset. */
export function composeDocuments(
  text: string,
  lines: LineCounter,
): { readonly documents: readonly Document.Parsed[]; readonly tooDeep?: number } {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const depth = new NestingDepth();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    if (!depth.take(lexeme)) return { documents: [], tooDeep: depth.offset - lexeme.length };
    for (const token of parser.next(lexeme)) tokens.push(token);
  }
  for (const token of parser.end()) tokens.push(token);
  const composer = new Composer({ lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  return { documents: withContent([...composer.compose(tokens, false, text.length)]) };
}

/**
 * Removes a byte order mark. In JSON, replaces tabs of indentation by single spaces, because YAML forbids tabs there;
 * offsets and columns stay the same.
 */
export function prepareText(text: string): string {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (!/^\s*[{[]/.test(plain)) return plain;
  return plain.replace(/^[ \t]+/gm, (indent) => ' '.repeat(indent.length));
}

export function faultOf(error: YAMLError): Fault {
  const message = error.message.charAt(0).toLowerCase() + error.message.slice(1);
  if (error.code === 'TAB_AS_INDENT') return { offset: error.pos[0], message: 'indented with a tab; use spaces' };
  return { offset: error.pos[0], message };
}
