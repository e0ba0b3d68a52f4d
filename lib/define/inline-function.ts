import { type Node, type Program, parse } from 'acorn';
import { type TransformOptions, transformSync } from 'esbuild';
import { ConfigError } from '../errors';
import { outsideNames } from './outside-names';

/** A function as the text that goes into a document. */
export interface InlineFunction {
  /** The function's own name when it has one, else `run`. */
  readonly name: string;
  readonly code: string;
}

const strict = '"use strict";';
const defaultName = 'run';
/** What esbuild wraps functions in to keep their names; it does nothing else. */
const nameKeeper = '__name';
const toModule = "put the function into a module: fromModule('./map.ts', 'process')";

/**
 * The text of a function, in the form esbuild prints, so that it depends as little as possible on the compiler the
 * function came through. Throws ConfigError when the text cannot stand alone, with each variable it takes from
 * outside.
 */
export function inlineFunction(run: (...args: never[]) => unknown): InlineFunction {
  const source = Function.prototype.toString.call(run);
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw unusable('is bound or native, and has no text', `give the function itself, or ${toModule}`);
  }
  const { program, entry, name, text } = parseFunction(source);
  const found = outsideNames(program, entry);
  const outside = found.filter(({ name: each }) => each !== nameKeeper);
  const helpers = outside.filter(({ name: each }) => each.startsWith('__'));
  if (helpers.length > 0) {
    const list = helpers.map(({ name: each }) => each).join(', ');
    throw unusable(`uses helpers of the compiler (${list})`, "put it into a module: fromModule('./map.ts', 'process')");
  }
  if (outside.length > 0) {
    const list = outside.map(({ name: each, lines }) => `${each} (line ${lines.join(', ')})`).join(', ');
    throw unusable(
      `uses what is outside of it: ${list}`,
      `only its text goes into the document; pass it in meta (ctx.meta), or ${toModule}`,
    );
  }
  return { name, code: printed(printed(`${strict}${text}`, { minifyWhitespace: true })) };
}

/** Printed twice, first without line breaks: esbuild keeps those of objects and statements as the compiler had them. */
function printed(code: string, options: TransformOptions = {}): string {
  return transformSync(code, { loader: 'js', target: 'node20', charset: 'utf8', legalComments: 'none', ...options })
    .code;
}

interface ParsedFunction {
  readonly program: Program;
  readonly entry: Node;
  readonly name: string;
  /** A program that defines the function under its name. */
  readonly text: string;
}

function parseFunction(source: string): ParsedFunction {
  const program = parseText(`(${source}\n)`) ?? parseText(`({${source}\n})`);
  const [, statement] = program?.body ?? [];
  if (program === undefined || statement?.type !== 'ExpressionStatement') {
    throw unusable('has a text that is no function of JavaScript', 'write it as an arrow function');
  }
  const { expression } = statement;
  if (expression.type === 'FunctionExpression') {
    const text = expression.id ? source : `const ${defaultName} = ${source};`;
    return { program, entry: expression, name: expression.id?.name ?? defaultName, text };
  }
  if (expression.type === 'ArrowFunctionExpression') {
    return { program, entry: expression, name: defaultName, text: `const ${defaultName} = ${source};` };
  }
  const [method] = expression.type === 'ObjectExpression' ? expression.properties : [];
  if (method?.type !== 'Property' || method.kind !== 'init' || method.value.type !== 'FunctionExpression') {
    throw unusable('is a class or an accessor', 'give a function');
  }
  const { async, generator, start } = method.value;
  const rest = source.slice(start - `${strict}({`.length);
  const head = `${async ? 'async ' : ''}function${generator ? '*' : ''} ${defaultName}`;
  return { program, entry: method.value, name: defaultName, text: `${head}${rest}` };
}

/** Parsed on the lines that the text itself has; undefined when it is not JavaScript. */
function parseText(text: string): Program | undefined {
  try {
    return parse(`${strict}${text}`, { ecmaVersion: 'latest', locations: true, ranges: true });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unusable(what: string, toDo: string): ConfigError {
  return new ConfigError('config-invalid', `the function ${what}; ${toDo}`);
}
