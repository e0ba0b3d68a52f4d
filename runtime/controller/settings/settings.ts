import { readFileSync } from 'node:fs';
import { LineCounter } from 'yaml';
import type { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { natsFaults } from '../../../lib/plan/nats-access';
import { nearestName, suggest } from '../../../lib/topology/problem/nearest-name';
import { isSecretName } from '../../../lib/topology/problem/show-value';
import { documentOf } from '../../../lib/topology/read/documents-of-text';
import { isLoopback } from '../api/access/loopback';
import { knownNames, type Setting, settingPrefix, settingTable } from './setting-table';
import { type ControllerSettings, controllerSettingsSchema } from './settings-schema';

export type { ControllerSettings } from './settings-schema';

type Tree = { [key: string]: unknown };

/**
 * Reads the settings of a controller from a YAML or JSON file; variables `KFLOW_CONTROLLER_...` override the file. Throws
 * ConfigError with every fault at once, including unknown settings.
 */
export function readControllerSettings(env: NodeJS.ProcessEnv, file?: string): ControllerSettings {
  const tree = file === undefined ? {} : readTree(file);
  const { faults, given } = applyEnvironment(tree, env);
  completeDefaults(tree, env);
  const parsed = controllerSettingsSchema.safeParse(tree);
  const nameOf = (path: string) => given.get(path) ?? path;
  if (!parsed.success) {
    faults.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, tree, nameOf)));
  }
  const textsAt = (...paths: readonly string[]) =>
    Object.fromEntries(paths.map((path) => [nameOf(path), textAt(tree, path)] as const));
  const natsTexts = { urls: textsAt('nats.url', 'pods.natsUrl'), domains: textsAt('nats.domain') };
  faults.push(...accessFaults(tree), ...natsFaults(natsTexts));
  if (parsed.success && faults.length === 0) return freeze(parsed.data);
  const source = file === undefined ? 'the environment' : `${file} and the environment`;
  const text = `invalid settings of the controller, from ${source}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  throw new ConfigError('config-invalid', text, file === undefined ? {} : { where: file });
}

/** The text may hold passwords, so no fault quotes it. */
function readTree(file: string): Tree {
  const unreadable = (reason: string, cause?: unknown) =>
    new ConfigError('config-invalid', `${file}: cannot read the settings: ${reason}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable((cause as Error).message, cause);
  }
  const lineCounter = new LineCounter();
  const document = documentOf(text, { lineCounter, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lineCounter.linePos(fault.pos[0]);
    const reason = fault.code === 'MULTIPLE_DOCS' ? fault.message : `invalid YAML, ${fault.code}`;
    throw unreadable(`${reason}, at line ${line}, column ${col}`);
  }
  let tree: unknown;
  try {
    tree = document.toJS() ?? {};
  } catch {
    throw unreadable('an alias without its anchor');
  }
  if (isTree(tree)) return tree;
  throw new ConfigError('config-invalid', `${file}: expected a map of settings at the top level`);
}

/** Overrides settings in the tree by variables. `given` maps the path of each to its variable. */
function applyEnvironment(tree: Tree, env: NodeJS.ProcessEnv): { faults: string[]; given: Map<string, string> } {
  const faults: string[] = [];
  const given = new Map<string, string>();
  const known = new Map(settingTable.map((setting) => [setting.variable, setting]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(settingPrefix) || text === undefined || text === '') continue;
    const setting = known.get(variable);
    if (setting === undefined) {
      const nearest = nearestName(variable, known.keys());
      faults.push(`${variable}: unknown setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
    } else if (setting.type === 'map') {
      faults.push(`${variable}: ${setting.path} is a map; set it in the file`);
    } else {
      setAt(tree, setting.path.split('.'), readValue(setting, text));
      given.set(setting.path, variable);
    }
  }
  return { faults, given };
}

function readValue({ type }: Setting, text: string): unknown {
  if (type === 'number') return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'flag' && (text === 'true' || text === 'false')) return text === 'true';
  if (type === 'list') return text.split(',').map((item) => item.trim());
  return text;
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const child = tree[key];
  const branch: Tree = isTree(child) ? child : {};
  tree[key] = branch;
  setAt(branch, rest, value);
}

/** Fills in the defaults that depend on the environment and on the listen address. */
function completeDefaults(tree: Tree, env: NodeJS.ProcessEnv): void {
  tree.listen ??= {};
  tree.nats ??= {};
  tree.temporal ??= {};
  if (!isTree(tree.listen)) return;
  const isPod = env.KUBERNETES_SERVICE_HOST !== undefined;
  tree.listen.host ??= isPod ? '0.0.0.0' : '127.0.0.1';
  tree.listen.shutdownDelaySeconds ??= isPod ? 5 : 0;
  if (isLoopbackHost(tree.listen.host)) tree.access ??= { kind: 'open' };
}

/** An API without bearer tokens must listen on loopback. */
function accessFaults({ access, listen }: Tree): string[] {
  const host = isTree(listen) ? listen.host : undefined;
  if (isLoopbackHost(host)) return [];
  const advice = 'set access.kind to tokens or oidc, or listen.host to 127.0.0.1';
  if (access === undefined) return [`access: missing, and the API listens on ${host}; ${advice}`];
  if (isTree(access) && access.kind === 'open')
    return [`access.kind: is open, and the API listens on ${host}; ${advice}`];
  return [];
}

function textAt(tree: Tree, path: string): string | undefined {
  const value = valueAt(tree, path.split('.'));
  return typeof value === 'string' ? value : undefined;
}

function isLoopbackHost(host: unknown): boolean {
  return typeof host === 'string' && isLoopback(host);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

type Issue = z.core.$ZodIssue;

/** One line per fault. `nameOf` returns the variable that set a value, else the path of the setting. */
function describeIssue(issue: Issue, tree: Tree, nameOf: (path: string) => string): string[] {
  const path = issue.path.map(String).join('.');
  const got = valueAt(tree, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(path, key, { kind: kindOf(got), nameOf }));
  }
  // reported by `accessFaults`
  if (path === 'access' && got === undefined) return [];
  return [`${nameOf(path)}: ${got === undefined ? missing(path) : invalid(issue, got)}`];
}

function unknownKey(
  parent: string,
  key: string,
  { kind, nameOf }: { readonly kind: string | undefined; readonly nameOf: (path: string) => string },
): string {
  const path = parent === '' ? key : `${parent}.${key}`;
  const known = knownNames(parent);
  if (known.includes(key)) return `${nameOf(path)}: not a setting of the kind "${kind}"`;
  return `${nameOf(path)}: unknown setting${suggest(key, known)}`;
}

function missing(path: string): string {
  const setting = settingTable.find((each) => each.path === path);
  if (setting === undefined) return `missing; the settings are ${knownNames(path).join(', ')}`;
  const expected = setting.oneOf.length > 0 ? `one of ${setting.oneOf.join(', ')}` : setting.description;
  return `missing: ${expected}; set it in the file or as ${setting.variable}`;
}

function invalid(issue: Issue, got: unknown): string {
  const path = issue.path.map(String).join('.');
  const setting = settingTable.find((each) => each.path === path);
  const shown = isSecretName(String(issue.path.at(-1))) ? 'a value that is not shown' : JSON.stringify(got);
  if (setting !== undefined && setting.oneOf.length > 0) {
    return `expected one of ${setting.oneOf.join(', ')}, got ${shown}`;
  }
  return `${issue.message.replace(/^Invalid input: /, '').replace(/, received .*/, '')}, got ${shown}`;
}

function kindOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : undefined;
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as { [key: PropertyKey]: unknown } | null | undefined)?.[key], tree);
}
