import { effectiveIndent, readValue } from '../language/read-value';
import type { Token } from '../language/token';

/**
 * The text of a token in the canonical layout. Data on one line stays there; of data on several lines, the lines are indented
 * as deep as the line that the token is in, YAML one level deeper between its marks.
 */
export function formatToken(text: string, token: Token, indent: string): string {
  switch (token.kind) {
    case 'label':
      return `:${token.text}`;
    case 'keyword':
      return `@${token.text}`;
    case 'guard':
      return `\`${token.text}\``;
    case 'resource':
      return `<${token.text}>`;
    case 'parameters':
      return formatData(text, token, { open: '(', close: ')', indent });
    case 'constant':
      return formatData(text, token, { open: '<', close: '>', indent });
    case 'doc':
    case 'comment':
      return text.slice(token.at, token.end).trimEnd();
    case 'name':
    case '→':
    case '|':
    case '{':
    case '}':
    case ';':
    case '>':
    case '*':
    case '?':
    case '=':
    case 'end':
    case 'unknown':
      return token.kind === 'name' ? token.text : token.kind === 'end' ? '' : token.kind;
  }
}

interface Frame {
  readonly open: string;
  readonly close: string;
  readonly indent: string;
}

function formatData(text: string, { at, textAt, text: data }: Token, { open, close, indent }: Frame): string {
  const isYaml = text.slice(at, textAt).includes('-');
  const trimmed = data.trim();
  if (trimmed === '') return isYaml ? `${open}- -${close}` : `${open}${close}`;
  if (!trimmed.includes('\n')) return isYaml ? `${open}- ${trimmed} -${close}` : `${open}${trimmed}${close}`;
  if (!isYaml) return `${open}${shifted(trimmed.split('\n'), { indent, first: 1 }).join('\n')}${close}`;
  const lead = /^[ \t]*\n/.test(data) ? 0 : effectiveIndent(text, textAt, textAt + data.length);
  const body = /^[ \t]*\n/.test(data) ? data.replace(/^[ \t]*\n/, '') : ' '.repeat(lead) + data.trimStart();
  const lines = shifted(withoutEnd(body).split('\n'), { indent: `${indent}  `, first: 0 });
  return [`${open}-`, ...lines, `${indent}-${close}`].join('\n');
}

/** YAML without the space at its end, unless the space is part of a text. */
function withoutEnd(yaml: string): string {
  const written = (text: string) => JSON.stringify(readValue(text, 0, text.length).written?.value);
  const trimmed = yaml.trimEnd();
  return written(`${trimmed}\n`) === written(yaml) ? trimmed : yaml.replace(/\n\s*$/, '');
}

/** Lines from `first` on, moved together so that the least indented one has the indent. */
function shifted(
  lines: readonly string[],
  { indent, first }: { readonly indent: string; readonly first: number },
): readonly string[] {
  const moved = lines.slice(first);
  const least = Math.min(
    ...moved.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length),
  );
  return [...lines.slice(0, first), ...moved.map((line) => (line.length <= least ? '' : indent + line.slice(least)))];
}
