import { LineCounter, parse, type YAMLError } from 'yaml';
import { isPlainMap } from '../../plain-map';
import { composeValue, type Fault } from '../../topology/read/compose-value';
import type { Place } from '../../topology/read/document-source';
import { composeDocuments, faultOf, prepareText } from '../../topology/read/parse-document';
import type { WrittenValue } from './syntax';

export interface ValueReading {
  /** Undefined for nothing: `()` or `(- -)`. */
  readonly written?: WrittenValue;
  readonly faults: readonly Fault[];
}

/**
 * Reads data in YAML, of which JSON is a part, from a range of the text. The first line counts as indented as far as it is in
 * the text, so that keys may be aligned by eye; or as the least indented of the other lines; or not at all: whichever can be
 * read farthest.
 */
export function readValue(text: string, from: number, to: number): ValueReading {
  return readInWay(text, from, to).reading;
}

/** As how many spaces the indentation of the first line of YAML counts. */
export function effectiveIndent(text: string, from: number, to: number): number {
  return readInWay(text, from, to).indent;
}

function readInWay(
  text: string,
  from: number,
  to: number,
): { readonly reading: ValueReading; readonly indent: number } {
  const range = text.slice(from, to);
  const lead = /^[ \t]*/.exec(range)?.[0].length ?? 0;
  const column = from - (text.lastIndexOf('\n', from - 1) + 1);
  const lines = range
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '');
  const least = lines.map((line) => /^ */.exec(line)?.[0].length ?? 0);
  const ways = lines.length === 0 ? [column + lead] : [column + lead, Math.min(...least), 0];
  const readings = ways.map((indent) => ({ indent, reading: readIndented(range.slice(lead), indent, from + lead) }));
  const aligned = readings[0] as (typeof readings)[number];
  const firstFault = ({ reading }: (typeof readings)[number]) => reading.faults[0]?.offset ?? Number.POSITIVE_INFINITY;
  return readings.reduce((best, each) => (firstFault(each) > firstFault(best) ? each : best), aligned);
}

/** Reads YAML whose first line is indented by as many spaces; `from` is the offset of the YAML in the text. */
function readIndented(yaml: string, indent: number, from: number): ValueReading {
  const delta = from - indent;
  const { documents, tooDeep } = composeDocuments(prepareText(' '.repeat(indent) + yaml), new LineCounter());
  if (tooDeep !== undefined) return { faults: [{ offset: tooDeep + delta, message: 'nested too deep' }] };
  const [document, second] = documents;
  if (document === undefined) return { faults: [] };
  const { value, place, faults } = composeValue(document);
  const [error] = [document, second].flatMap((each) => each?.errors ?? []);
  const all = [
    // those behind the first mostly follow from it
    ...(error === undefined ? [] : [explained(error)]),
    ...(second === undefined
      ? []
      : [{ offset: second.range[0], message: 'only one document of YAML is possible here' }]),
    ...faults,
  ].map(({ offset, message }) => ({ offset: offset + delta, message }));
  if (value === null) return { faults: all };
  return { written: { value: withSplitKeys(value), place: shifted(place, delta) }, faults: all };
}

function explained(error: YAMLError): Fault {
  const fault = faultOf(error);
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') {
    const message =
      'a value contains ": "; put several keys in braces, {a: 1, b: 2}, or on a line each, or a text in quotes';
    return { ...fault, message };
  }
  if (error.code === 'MULTILINE_IMPLICIT_KEY') {
    return { ...fault, message: 'a key ends with a colon and a space, as in a: 1' };
  }
  return fault;
}

function shifted(place: Place, delta: number): Place {
  const { children } = place;
  return {
    ...place,
    at: place.at + delta,
    key: place.key + delta,
    ...(children === undefined
      ? {}
      : { children: new Map([...children].map(([key, child]) => [key, shifted(child, delta)])) }),
  };
}

/** `{x:1}` is a key `x:1` without a value in YAML, and never meant so: it counts as `{x: 1}`. */
function withSplitKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSplitKeys);
  if (!isPlainMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const [, name, rest] = item === null ? (/^([A-Za-z_]\w*):(\S+)$/.exec(key) ?? []) : [];
      return name === undefined || rest === undefined ? [key, withSplitKeys(item)] : [name, parse(rest)];
    }),
  );
}
