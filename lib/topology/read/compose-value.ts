import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, Scalar, type YAMLMap } from 'yaml';
import { isUnsafeInteger } from '../avro/exact-json';
import type { Place } from './document-source';
import { maxDepth } from './nesting-depth';

/** Limit of the values that aliases may add, against alias bombs. */
const maxAliased = 100_000;

export interface Fault {
  readonly offset: number;
  readonly message: string;
}

interface Composed {
  readonly value: unknown;
  readonly place: Place;
}

interface Frame {
  readonly depth: number;
  readonly key: number;
}

/**
 * Converts a parsed YAML document into plain data with positions. Aliases and merge keys are resolved in the order of the
 * text and within limits. Repeated keys are reported; the first one counts.
 */
export function composeValue(document: Document.Parsed): Composed & { readonly faults: readonly Fault[] } {
  const composer = new ValueComposer();
  const composed = composer.compose(document.contents, { depth: 0, key: 0 });
  return { ...composed, faults: composer.faults };
}

class ValueComposer {
  readonly faults: Fault[] = [];
  private readonly anchors = new Map<string, ParsedNode>();
  private readonly open = new Set<string>();
  private aliasDepth = 0;
  private aliased = 0;
  /** How many keys are open whose longs have all 64 bits. */
  private exact = 0;

  compose(node: unknown, frame: Frame): Composed {
    if (this.aliasDepth > 0) this.aliased += 1;
    const parsed = node as ParsedNode | null;
    const at = parsed?.range?.[0] ?? frame.key;
    if (parsed === null || parsed === undefined || this.isTooMuch(at, frame.depth)) return nothing(at, frame.key);
    if (isAlias(parsed)) return this.composeAlias(parsed.source, at, frame);
    if (parsed.anchor !== undefined && this.aliasDepth === 0) this.anchors.set(parsed.anchor, parsed);
    if (isMap(parsed)) return this.within(parsed.anchor, () => this.composeMap(parsed, at, frame));
    if (isSeq(parsed)) return this.within(parsed.anchor, () => this.composeList(parsed.items, at, frame));
    return { value: this.scalarValue(parsed), place: scalarPlace(parsed, at, frame.key) };
  }

  /** Defaults in a schema, and the records of tests, have all 64 bits of a long. */
  private scalarValue({ value, source, type }: Scalar): unknown {
    const isExact = this.exact > 0 && type === Scalar.PLAIN && typeof value === 'number';
    return isExact && source !== undefined && isUnsafeInteger(source) ? BigInt(source) : value;
  }

  private isTooMuch(at: number, depth: number): boolean {
    if (depth > maxDepth * 2) {
      this.fault(at, `nested deeper than ${maxDepth} levels`);
      return true;
    }
    if (this.aliased <= maxAliased) return false;
    if (this.aliased === maxAliased + 1) {
      this.aliased += 1;
      this.fault(at, `the aliases expand to more than ${maxAliased} values; write the values out`);
    }
    return true;
  }

  private within(anchor: string | undefined, work: () => Composed): Composed {
    if (anchor === undefined) return work();
    this.open.add(anchor);
    const composed = work();
    this.open.delete(anchor);
    return composed;
  }

  private composeAlias(name: string, at: number, frame: Frame): Composed {
    const target = this.anchors.get(name);
    if (target === undefined || this.open.has(name)) {
      const reason = target === undefined ? `no anchor &${name} precedes it` : 'it is inside its own anchor';
      this.fault(at, `the alias *${name} is invalid: ${reason}`);
      return nothing(at, frame.key);
    }
    this.aliasDepth += 1;
    const { value, place } = this.compose(target, { depth: frame.depth + 1, key: frame.key });
    this.aliasDepth -= 1;
    return { value, place: { ...place, key: frame.key } };
  }

  private composeList(items: readonly unknown[], at: number, frame: Frame): Composed {
    const children = new Map<string | number, Place>();
    const value = items.map((item, index) => {
      const key = (item as ParsedNode | null)?.range?.[0] ?? at;
      const composed = this.compose(item, { depth: frame.depth + 1, key });
      children.set(index, composed.place);
      return composed.value;
    });
    return { value, place: { at, key: frame.key, children } };
  }

  private composeMap(map: YAMLMap, at: number, frame: Frame): Composed {
    const value: Record<string, unknown> = {};
    const children = new Map<string | number, Place>();
    const merged: Composed[] = [];
    for (const pair of map.items as Pair<ParsedNode | null, ParsedNode | null>[]) {
      const key = pair.key?.range?.[0] ?? at;
      const name = this.keyName(pair.key, key);
      if (name === undefined) continue;
      const isExact = name === 'schema' || (name === 'tests' && frame.depth === 0);
      if (isExact) this.exact += 1;
      const composed = this.compose(pair.value, { depth: frame.depth + 1, key });
      if (isExact) this.exact -= 1;
      if (name === '<<' && isScalar(pair.key) && pair.key.type === Scalar.PLAIN) merged.push(composed);
      else if (Object.hasOwn(value, name)) this.fault(key, `the key "${name}" is written twice; remove one`);
      else {
        value[name] = composed.value;
        children.set(name, composed.place);
      }
    }
    for (const source of merged) this.merge(source, value, children);
    return { value, place: { at, key: frame.key, children } };
  }

  /** Adds the keys of a merged map that the map does not have itself. Of several merged maps, the first wins. */
  private merge(source: Composed, value: Record<string, unknown>, children: Map<string | number, Place>): void {
    if (Array.isArray(source.value)) {
      source.value.forEach((item, index) => {
        this.merge({ value: item, place: source.place.children?.get(index) ?? source.place }, value, children);
      });
      return;
    }
    if (typeof source.value !== 'object' || source.value === null) {
      this.fault(source.place.key, 'the merge key << needs an alias of a map, or a list of such aliases');
      return;
    }
    for (const [name, item] of Object.entries(source.value)) {
      if (Object.hasOwn(value, name)) continue;
      value[name] = item;
      children.set(name, source.place.children?.get(name) ?? source.place);
    }
  }

  private keyName(key: ParsedNode | null, at: number): string | undefined {
    const target = isAlias(key) ? this.anchors.get(key.source) : key;
    if (!isScalar(target) || target.value === null) {
      this.fault(at, 'a key must be text');
      return undefined;
    }
    if (target.anchor !== undefined) this.anchors.set(target.anchor, target as ParsedNode);
    const name = target.type === Scalar.PLAIN ? (target.source ?? String(target.value)) : String(target.value);
    if (name !== '__proto__') return name;
    this.fault(at, 'the key "__proto__" is not allowed');
    return undefined;
  }

  private fault(offset: number, message: string): void {
    this.faults.push({ offset, message });
  }
}

function nothing(at: number, key: number): Composed {
  return { value: null, place: { at, key } };
}

function scalarPlace(scalar: Scalar, at: number, key: number): Place {
  if (scalar.type === Scalar.BLOCK_LITERAL) return { at, key, isBlock: true };
  return scalar.type === Scalar.PLAIN && scalar.source !== undefined
    ? { at, key, written: scalar.source }
    : { at, key };
}
