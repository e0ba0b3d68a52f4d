import { execFileSync } from 'node:child_process';
import { transformSync as swc } from '@swc/core';
import { transformSync as esbuild } from 'esbuild';
import ts from 'typescript';
import { inlineFunction } from '../../../lib/define/inline-function';
import { knownNames } from '../../../lib/define/outside-names';

// biome-ignore lint/suspicious/noExplicitAny: the tests use functions of any signature
type AnyFunction = (...args: any[]) => unknown;

/** Evaluates the source of a function, as in a compiled module. */
function functionOf(source: string): AnyFunction {
  return new Function(`"use strict"; return (${source});`)() as AnyFunction;
}

function methodOf(source: string): AnyFunction {
  const [method] = Object.values(
    new Function(`"use strict"; return ({ ${source} });`)() as Record<string, AnyFunction>,
  );
  if (method === undefined) throw new Error('no method');
  return method;
}

/** Evaluates the text of a function in the document. */
function revived({ name, code }: { readonly name: string; readonly code: string }): AnyFunction {
  return new Function(`${code}; return ${name};`)() as AnyFunction;
}

test.each([
  [
    'an arrow function',
    functionOf('(ctx, event) => ({ n: event.n + 1 })'),
    'const run = (ctx, event) => ({ n: event.n + 1 });',
  ],
  ['an async arrow function', functionOf('async (ctx, event) => event'), 'const run = async (ctx, event) => event;'],
  [
    'a function',
    functionOf('function (ctx, event) { return event; }'),
    'const run = function(ctx, event) {\n  return event;\n};',
  ],
  [
    'a named function',
    functionOf('function count(ctx, event) { return event; }'),
    'function count(ctx, event) {\n  return event;\n}',
  ],
  [
    'a generator',
    functionOf('function* split(ctx, event) { yield event; }'),
    'function* split(ctx, event) {\n  yield event;\n}',
  ],
  ['a method', methodOf('run(ctx, event) { return event; }'), 'function run(ctx, event) {\n  return event;\n}'],
  [
    'an async method',
    methodOf('async run(ctx, event) { return event; }'),
    'async function run(ctx, event) {\n  return event;\n}',
  ],
  ['a generator method', methodOf('async *run(ctx) { yield ctx; }'), 'async function* run(ctx) {\n  yield ctx;\n}'],
  [
    'a method whose name is not an identifier',
    methodOf("'do it'(ctx) { return ctx; }"),
    'function run(ctx) {\n  return ctx;\n}',
  ],
])('converts %s to text', (_title, run, code) => {
  expect(inlineFunction(run).code).toBe(`"use strict";\n${code}\n`);
});

test('the text evaluates to the same function', () => {
  const factorial = functionOf('function factorial(n) { return n < 2 ? 1 : n * factorial(n - 1); }');
  expect(inlineFunction(factorial).name).toBe('factorial');
  expect(revived(inlineFunction(factorial))(5)).toBe(120);
  const words = functionOf('(text) => { class Word { constructor(at) { this.at = at; } } return new Word(text).at; }');
  expect(revived(inlineFunction(words))('é')).toBe('é');
});

test('a function may use the globals of Node and of the host', () => {
  const run = functionOf(`(ctx, event) => {
    const { createHash } = require('node:crypto');
    logger.info(process.version, URL, structuredClone(event), __dirname);
    console.log(Buffer.from(event.key), undefined, globalThis, new Map());
    return { hash: createHash('md5').update(event.key).digest('hex') };
  }`);
  expect(inlineFunction(run).name).toBe('run');
});

test('lists every outer variable, with its lines and the fix', () => {
  const run = functionOf(`(ctx, event) => {
    const limit = max * 2;
    const text = words_1.clean(event.text);
    if (text.length > max)
      return helper(text, (inner) => inner + offset);
    return { text: max };
  }`);
  expect(() => inlineFunction(run)).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      code: 'config-invalid',
      message:
        'the function uses outer variables: max (line 2, 4, 6), words_1.clean (line 3), helper (line 5), ' +
        'offset (line 5); only its text becomes part of the document; pass values in meta (ctx.meta), or put the function into a ' +
        "module: fromModule('./map.ts', 'process')",
    }),
  );
});

test.each([
  ['this of an arrow function', functionOf('() => this.limit'), 'this (line 1)'],
  ['this of a function', functionOf('function () {\n return () => this; }'), 'this (line 2)'],
  ['this of a method', methodOf('run() { return this.limit; }'), 'this (line 1)'],
  ['super of a method', methodOf('run() { return super.run(); }'), 'super (line 1)'],
  ['arguments of an outer function', functionOf('() => arguments[0]'), 'arguments (line 1)'],
  ['an outer variable in a default value', functionOf('(ctx, event, by = step) => by'), 'step (line 1)'],
  ['an assignment to an outer variable', functionOf('(ctx, event) => { total += 1; }'), 'total (line 1)'],
  ['a reference to its own constant', functionOf('(n) => run(n)'), 'run (line 1)'],
  ['a reference to its own method', methodOf('run(n) { return run(n); }'), 'run (line 1)'],
])('rejects %s', (_title, run, outside) => {
  expect(() => inlineFunction(run)).toThrow(`the function uses outer variables: ${outside};`);
});

test('accepts this in inner functions and classes', () => {
  const run = functionOf(
    '() => ({ get n() { return this.m; }, m: class { n = this; }, f: function () { return this; } })',
  );
  expect(inlineFunction(run).name).toBe('run');
});

test.each([
  [
    'a bound function',
    functionOf('() => 1').bind(undefined),
    /^the function is bound or native and has no source text; pass/,
  ],
  ['a native function', JSON.stringify, /^the function is bound or native/],
  ['a class', class Word {} as unknown as AnyFunction, /^the function is a class or an accessor; use a function$/],
  [
    'an accessor',
    Object.getOwnPropertyDescriptor(
      {
        get run() {
          return 1;
        },
      },
      'run',
    )?.get as AnyFunction,
    /^the function is a class or an accessor/,
  ],
])('rejects %s', (_title, run, message) => {
  expect(() => inlineFunction(run)).toThrow(message);
});

test('the text is the same whichever compiler produced the function', () => {
  const source = `export const run = async (ctx: { meta: unknown }, event: { text: string; n?: number }) => {
    // a comment
    const { text, ...rest } = event as { text: string; n?: number };
    const parts: string[] = text.split('\\n').map(part => part.trim());
    const longest = parts.reduce((best, part) => part.length > best.length ? part : best, "");
    for await (const part of parts) if (part) ctx.meta ??= (part);
    return { longest, rest, n: 1_000_000, ok: !!rest?.n };
  };`;
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const compiled = [
    ts.transpileModule(source, { compilerOptions: options }).outputText,
    ts.transpileModule(source, { compilerOptions: { ...options, removeComments: true } }).outputText,
    esbuild(source, { loader: 'ts', format: 'cjs', target: 'node20' }).code,
    swc(source, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }).code,
  ];
  const texts = compiled.map((code) => {
    const module = { exports: {} as { run: AnyFunction } };
    new Function('module', 'exports', code)(module, module.exports);
    return inlineFunction(module.exports.run).code;
  });
  expect(new Set(texts).size).toBe(1);
});

test('the known names are globals of Node 20 and of its modules', () => {
  const globals = execFileSync(process.execPath, ['-p', 'Object.getOwnPropertyNames(globalThis).join()'], {
    encoding: 'utf8',
  });
  const provided = new Set([
    ...globals.trim().split(','),
    'logger',
    'require',
    'module',
    'exports',
    '__filename',
    '__dirname',
    'AckException',
    'Decimal',
    'Duration',
  ]);
  expect([...knownNames].filter((name) => !provided.has(name))).toEqual([]);
  expect(knownNames.size).toBeGreaterThan(120);
});
