import { type Node, type Program, parse } from 'acorn';
import { type TransformOptions, transformSync } from 'esbuild';
import { ConfigError } from '../errors';
import { outsideNames } from './outside-names';

/** A function as text, for a document. */
export interface InlineFunction {
  /** The function's own name, or `run` if it has none. */
  readonly name: string;
  readonly code: string;
}

const strict = '"use strict";';
const defaultName = 'run';
/** The helper with which esbuild keeps names of functions; it has no other effect. */
const nameKeeper = '__name';
const toModule = "put the function into a module: fromModule('./map.ts', 'process')";

/**
 * The text of a function as esbuild prints it, so that it hardly depends on the compiler of the function. Throws
 * ConfigError with all outer variables if the text does not run on its own.
 */
export function inlineFunction(run: (...args: never[]) => unknown): InlineFunction {
  const source = Function.prototype.toString.call(run);
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw unusable('is bound or native and has no source text', `pass the function itself, or ${toModule}`);
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
      `uses outer variables: ${list}`,
      `only its text becomes part of the document; pass values in meta (ctx.meta), or ${toModule}`,
    );
  }
  return { name, code: printed(printed(`${strict}${text}`, { minifyWhitespace: true })) };
}

/** Printed twice, first without line breaks, because esbuild keeps the compiler's line breaks in objects and statements. */
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
    throw unusable('is not a JavaScript function', 'write it as an arrow function');
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
    throw unusable('is a class or an accessor', 'use a function');
  }
  const { async, generator, start } = method.value;
  const rest = source.slice(start - `${strict}({`.length);
  const head = `${async ? 'async ' : ''}function${generator ? '*' : ''} ${defaultName}`;
  return { program, entry: method.value, name: defaultName, text: `${head}${rest}` };
}

/** Parses text with its own line numbers; undefined if the text is not JavaScript. */
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
