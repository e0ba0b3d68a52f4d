import type { Node, Program } from 'acorn';
import { analyze, type Reference } from 'eslint-scope';

/** A name that a function uses and its own text does not define. */
export interface OutsideName {
  /**
   * The variable, with the property that is read from it, as compiled imports are: `limit`, `words_1.split`, `this`.
   */
  readonly name: string;
  /** Lines of the text that use the name, from 1, in order. */
  readonly lines: readonly number[];
}

/**
 * The names that a program uses and neither the program nor its host defines: variables, and `this` and `super` of the
 * function `entry`, which is called without an object.
 */
export function outsideNames(program: Program, entry: Node): readonly OutsideName[] {
  const { globalScope } = analyze(program as unknown as Parameters<typeof analyze>[0], {
    ecmaVersion: 2024,
    sourceType: 'script',
  });
  const visit = new Visit(entry);
  visit.node(program, false);
  for (const { identifier } of (globalScope?.through ?? []) as readonly Reference[]) {
    if (knownNames.has(identifier.name)) continue;
    const name = withProperty(identifier, visit.parents.get(identifier));
    visit.uses.push({ name, line: identifier.loc?.start.line ?? 0 });
  }
  return byName(visit.uses);
}

class Visit {
  readonly parents = new Map<unknown, Node>();
  readonly uses: { name: string; line: number }[] = [];

  constructor(private readonly entry: Node) {}

  /** `bound`: inside a function or class that binds `this`. */
  node(node: Node, bound: boolean): void {
    const line = node.loc?.start.line ?? 0;
    if (!bound && node.type === 'ThisExpression') this.uses.push({ name: 'this', line });
    if (!bound && node.type === 'Super') this.uses.push({ name: 'super', line });
    for (const child of childrenOf(node)) {
      this.parents.set(child, node);
      this.node(child, bound || (node !== this.entry && bindsThis(node)));
    }
  }
}

function bindsThis({ type }: Node): boolean {
  return type === 'FunctionExpression' || type === 'FunctionDeclaration' || type === 'ClassBody';
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof value?.type === 'string');
}

function withProperty(identifier: Reference['identifier'], parent: Node | undefined): string {
  const { object, property, computed } = (parent ?? {}) as {
    readonly object?: unknown;
    readonly property?: { readonly name?: string };
    readonly computed?: boolean;
  };
  const isRead = object === identifier && computed === false && property?.name !== undefined;
  return isRead ? `${identifier.name}.${property.name}` : identifier.name;
}

function byName(uses: readonly { name: string; line: number }[]): readonly OutsideName[] {
  const lines = new Map<string, Set<number>>();
  for (const { name, line } of [...uses].sort((one, other) => one.line - other.line)) {
    lines.set(name, (lines.get(name) ?? new Set()).add(line));
  }
  return [...lines].map(([name, set]) => ({ name, lines: [...set] }));
}

const language = `
  AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
  FinalizationRegistry Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl JSON Map Math NaN
  Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol SyntaxError
  TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI
  decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined
  unescape`;

const node = `
  AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CompressionStream
  CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event EventTarget File FormData
  Headers MessageChannel MessageEvent MessagePort Performance PerformanceEntry PerformanceMark PerformanceMeasure
  PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming ReadableByteStreamController ReadableStream
  ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader Request
  Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream
  TransformStreamDefaultController URL URLSearchParams WritableStream WritableStreamDefaultController
  WritableStreamDefaultWriter atob btoa clearImmediate clearInterval clearTimeout console crypto fetch global performance
  process queueMicrotask setImmediate setInterval setTimeout structuredClone`;

const host = 'logger AckException Decimal Duration require module exports __filename __dirname';

/** Names that inline code may use: those of JavaScript, of Node 20, and of KFlow's TypeScript host. */
export const knownNames: ReadonlySet<string> = new Set(`${language} ${node} ${host}`.trim().split(/\s+/));
