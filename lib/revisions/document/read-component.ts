import { isPlainMap, type PlainMap } from '../../plain-map';
import { checkShape } from '../../topology/check/check-shape';
import { checkCode } from '../../topology/check/check-tasks';
import { defaultLanguage, type Language, languageOfFile } from '../../topology/document/language';
import type { Problem } from '../../topology/problem/problem';
import { quote, showValue } from '../../topology/problem/show-value';
import { hasKeyAlone } from '../../topology/read/has-key-alone';
import { parseDocument } from '../../topology/read/parse-document';
import { ProblemList } from '../../topology/read/problem-list';
import { inOrder } from '../../topology/read-topology';
import { unfit } from '../data-type';
import { identifierRule, isIdentifier } from '../identifier';
import { type Declared, type DeclaredValue, findWiringFaults } from '../wiring/complete-wiring';
import { type Wiring, wiringSchema } from '../wiring/wiring-schema';
import { type ComponentDocument, componentSchema } from './component-schema';

/** A component without errors. */
export interface Component extends Declared {
  readonly name: string;
  readonly id?: string;
  /** A UUID or a name. */
  readonly group: string;
  readonly tag?: string;
  readonly category: string;
  readonly description: string;
  readonly language: Language;
  readonly code?: string;
  readonly module?: string;
  /** Name of the function. */
  readonly entry: string;
  readonly image?: string;
  readonly testWiring?: Wiring;
}

export interface ComponentReading {
  /** Absent when a problem is an error. */
  readonly component?: Component;
  /** In the order of their places. */
  readonly problems: readonly Problem[];
}

/** Name of the function of a component that does not name it. */
const defaultEntry = 'main';

/** Whether a text is a component document: its first level has the key `component`, and is no topology or worker. */
export function isComponentDocument(text: string): boolean {
  return hasKeyAlone(text, 'component', ['dag', 'worker']);
}

/** Reads a component document from YAML or JSON, and reports every problem with its position. */
export function readComponent(text: string, file: string): ComponentReading {
  const { source, problems: syntax } = parseDocument(text, file, { name: 'component', key: 'component' });
  if (source === undefined) return { problems: inOrder(syntax) };
  const root = withoutEmpty(source.value as PlainMap);
  const list = new ProblemList(source);
  checkShape(root, list, componentSchema);
  checkValues(root.inputs, 'inputs', list);
  checkValues(root.outputs, 'outputs', list);
  checkTag(root.tag, list);
  checkCode(root, { path: [], noun: 'component', byDefault: defaultEntry }, list);
  checkLanguage(root, list);
  const wiring = wiringSchema.safeParse(root.testWiring ?? {});
  const declared = declaredIn(root);
  if (root.testWiring !== undefined && wiring.success) {
    for (const { path, message } of findWiringFaults(wiring.data, declared)) {
      list.add({ code: 'setting-invalid', path: ['testWiring', ...path], message });
    }
  }
  const problems = inOrder([...syntax, ...list.all]);
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  return { component: componentOf(root as ComponentDocument & PlainMap, declared, wiring.data), problems };
}

/** Keys of the first level without a value count as absent. */
function withoutEmpty(root: PlainMap): PlainMap {
  return Object.fromEntries(Object.entries(root).filter(([, value]) => value !== null));
}

function checkValues(values: unknown, key: 'inputs' | 'outputs', list: ProblemList): void {
  if (!isPlainMap(values)) return;
  for (const [name, value] of Object.entries(values)) {
    const path = [key, name];
    if (!isIdentifier(name))
      list.add({
        code: 'name-invalid',
        path,
        message: `must be a name: ${identifierRule}; got ${quote(name)}`,
        at: 'key',
      });
    if (!isPlainMap(value) || value.default === undefined || value.default === null) continue;
    const parsed = componentSchema.shape.outputs.valueType.shape.type.safeParse(value.type);
    const want = parsed.success ? unfit(parsed.data, value.default) : undefined;
    if (want === undefined) continue;
    const at = [...path, 'default'];
    const message = `must be ${want}, as the type is ${value.type}, got ${showValue(at, value.default)}`;
    list.add({ code: 'setting-invalid', path: at, message });
  }
}

function checkTag(tag: unknown, list: ProblemList): void {
  const fault = tagFault(tag);
  if (fault !== undefined) list.add({ code: 'setting-invalid', path: ['tag'], message: fault });
}

/** Why a text cannot be a tag; undefined if it can, and for what is no text. */
export function tagFault(tag: unknown): string | undefined {
  if (tag === 'latest') return 'must not be "latest", which stands for the revision that was released last';
  if (typeof tag === 'string' && /[\s:/]/.test(tag))
    return `must not have spaces, colons and slashes, got ${quote(tag)}`;
  return undefined;
}

function checkLanguage({ module, language }: PlainMap, list: ProblemList): void {
  if (typeof module !== 'string' || language !== undefined || languageOfFile(module) !== undefined) return;
  const message = `the language of ${module} is unknown; set "language"`;
  list.add({ code: 'setting-invalid', path: ['module'], message });
}

function declaredIn({ inputs, outputs }: PlainMap): Declared {
  return { inputs: valuesIn(inputs), outputs: valuesIn(outputs) };
}

function valuesIn(values: unknown): readonly DeclaredValue[] {
  if (!isPlainMap(values)) return [];
  return Object.entries(values).flatMap(([name, value]) => {
    if (!isPlainMap(value)) return [];
    const { type, default: given } = value as { type: DeclaredValue['type']; default?: unknown };
    return [{ name, type, ...(given === undefined ? {} : { default: { value: given } }) }];
  });
}

function componentOf(
  { component: name, id, group = name, tag, category = '', description = '', image, ...root }: ComponentDocument,
  declared: Declared,
  testWiring: Wiring | undefined,
): Component {
  const { code, module, name: entry = defaultEntry } = root;
  const language = root.language ?? (module === undefined ? undefined : languageOfFile(module)) ?? defaultLanguage;
  return {
    name,
    group,
    category,
    description,
    language,
    entry,
    ...declared,
    ...(id === undefined ? {} : { id: id.toLowerCase() }),
    ...(tag === undefined ? {} : { tag }),
    ...(code === undefined ? {} : { code }),
    ...(module === undefined ? {} : { module }),
    ...(image === undefined ? {} : { image }),
    ...(root.testWiring === undefined || testWiring === undefined ? {} : { testWiring }),
  };
}
