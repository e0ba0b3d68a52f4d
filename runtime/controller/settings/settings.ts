import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ConfigError } from '../../../lib/errors';
import { nearestName } from '../../../lib/topology/problem/nearest-name';
import { isLoopback } from '../api/access/loopback';
import { describeIssue } from './setting-faults';
import { type Setting, settingTable } from './setting-table';
import { type ControllerSettings, controllerSettingsSchema } from './settings-schema';

export type { ControllerSettings } from './settings-schema';

/** Variables that begin so are settings, and nothing else may. */
const prefix = 'KFLOW_CONTROLLER_';

type Tree = { [key: string]: unknown };

/**
 * The settings of a controller: those of the file (YAML or JSON), over which the environment's `KFLOW_CONTROLLER_…` are
 * laid. Throws ConfigError with every fault at once; nothing unknown is passed over.
 */
export function readControllerSettings(env: NodeJS.ProcessEnv, file?: string): ControllerSettings {
  const tree = file === undefined ? {} : readTree(file);
  const { faults, given } = layEnvironment(tree, env);
  completeDefaults(tree, env);
  const parsed = controllerSettingsSchema.safeParse(tree);
  const nameOf = (path: string) => given.get(path) ?? path;
  if (!parsed.success) {
    faults.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, tree, nameOf)));
  }
  faults.push(...accessFaults(tree));
  if (parsed.success && faults.length === 0) return freeze(parsed.data);
  const source = file === undefined ? 'the environment' : `${file} and the environment`;
  const text = `the controller's settings, from ${source}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  throw new ConfigError('config-invalid', text, file === undefined ? {} : { where: file });
}

function readTree(file: string): Tree {
  try {
    const tree: unknown = parse(readFileSync(file, 'utf8')) ?? {};
    if (isTree(tree)) return tree;
  } catch (cause) {
    throw new ConfigError('config-invalid', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new ConfigError('config-invalid', `${file}: want a map of settings at the top`);
}

/** Puts the environment's values into the tree, and tells by which variable each came. */
function layEnvironment(tree: Tree, env: NodeJS.ProcessEnv): { faults: string[]; given: Map<string, string> } {
  const faults: string[] = [];
  const given = new Map<string, string>();
  const known = new Map(settingTable.map((setting) => [setting.variable, setting]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || text === undefined || text === '') continue;
    const setting = known.get(variable);
    if (setting === undefined) {
      const nearest = nearestName(variable, known.keys());
      faults.push(`${variable}: is no setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
    } else if (setting.type === 'map') {
      faults.push(`${variable}: ${setting.path} is a map, which only a file can hold`);
    } else {
      setAt(tree, setting.path.split('.'), readValue(setting, text));
      given.set(setting.path, variable);
    }
  }
  return { faults, given };
}

function readValue({ type }: Setting, text: string): unknown {
  if (type === 'number') return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
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

/** What a setting is when it is left out depends on where the controller runs, and on where it listens. */
function completeDefaults(tree: Tree, env: NodeJS.ProcessEnv): void {
  tree.listen ??= {};
  tree.nats ??= {};
  tree.temporal ??= {};
  if (!isTree(tree.listen)) return;
  tree.listen.host ??= env.KUBERNETES_SERVICE_HOST === undefined ? '127.0.0.1' : '0.0.0.0';
  if (isLoopbackHost(tree.listen.host)) tree.access ??= { kind: 'open' };
}

/** Without bearer tokens nobody outside this machine may reach the API. */
function accessFaults({ access, listen }: Tree): string[] {
  const host = isTree(listen) ? listen.host : undefined;
  if (isLoopbackHost(host)) return [];
  const what = 'set access.kind to tokens or oidc, or listen.host to 127.0.0.1';
  if (access === undefined) return [`access: is missing, and the API listens on ${host}: ${what}`];
  if (isTree(access) && access.kind === 'open')
    return [`access.kind: is open, and the API listens on ${host}: ${what}`];
  return [];
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
