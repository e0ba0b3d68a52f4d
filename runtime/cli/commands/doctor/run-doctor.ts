import type { ControllerSettings } from '../../../controller/settings/settings';
import { readControllerSettings } from '../../../controller/settings/settings';
import { findController } from '../../client/find-controller';
import { ExitStatus } from '../../frame/exit-status';
import type { OutputFormat } from '../../frame/shared-options';
import { findStack } from '../../local-stack/find-stack';
import { painted, type Style } from '../../render/text';
import { mediumOf, writeOutput } from '../../terminal/output';
import { controllerEnvironment, settingsFile } from '../stack/controller-recipe';
import { checkBuckets } from './check-buckets';
import { checkCluster } from './check-cluster';
import { checkController } from './check-controller';
import { checkKey } from './check-key';
import { checkMachine } from './check-machine';
import { checkNats } from './check-nats';
import { checkTemporal } from './check-temporal';
import { type Finding, type FindingState, failed, warning } from './finding';

interface DoctorOptions {
  readonly config: string | undefined;
  readonly namespaces: readonly string[] | undefined;
  readonly output: OutputFormat;
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly ca: string | undefined;
}

/** Prints what was found. `Failed` if something does not work; warnings do not count. */
export async function runDoctor(options: DoctorOptions): Promise<ExitStatus> {
  const findings = [...(await checkMachine()), ...(await checkInstallation(options))];
  writeOutput(options.output, findings, () => findings.map(lineOf).join(''));
  return findings.some(({ state }) => state === 'failed') ? ExitStatus.Failed : ExitStatus.Done;
}

async function checkInstallation(options: DoctorOptions): Promise<readonly Finding[]> {
  const { config, namespaces = [], url, token, ca } = options;
  let settings: ControllerSettings | undefined;
  try {
    settings = await settingsOf(config);
  } catch (error) {
    return [failed('settings', (error as Error).message, 'correct the settings (docs/controller.md)')];
  }
  const address = await findController({ ...(url && { url }), ...(token && { token }), ...(ca && { ca }) }, place());
  const isNamed = address.from !== undefined;
  if (settings === undefined && !isNamed) {
    const remedy = 'start one with `kflow up`, or name a controller with --url or its settings with --config';
    return [warning('controller', 'no stack runs in this folder or above', remedy)];
  }
  const controller = isNamed ? await checkController(address) : [];
  return settings === undefined ? controller : [...controller, ...(await checkSettings(settings, namespaces))];
}

async function checkSettings(settings: ControllerSettings, namespaces: readonly string[]): Promise<readonly Finding[]> {
  const { finding, key } = await checkKey(settings);
  const checks = [
    checkNats(settings, key),
    checkTemporal(settings.temporal, key),
    checkBuckets(settings),
    checkCluster(settings, { namespaces, hasKey: key !== undefined }),
  ];
  return [finding, ...(await Promise.all(checks)).flat()];
}

/** The settings of the file, or of the running stack; undefined without both. */
async function settingsOf(config: string | undefined): Promise<ControllerSettings | undefined> {
  if (config !== undefined) return readControllerSettings(process.env, config);
  const stack = await findStack(process.cwd());
  if (stack === undefined) return undefined;
  return readControllerSettings(controllerEnvironment(stack.directory, stack), settingsFile(stack.directory));
}

function place() {
  return { env: process.env, folder: process.cwd() };
}

const styles: { readonly [state in FindingState]: Style } = { ok: 'green', warning: 'yellow', failed: 'red' };
const stateWidth = 'warning'.length;
const whatWidth = 'stored documents'.length;

function lineOf({ what, state, found, remedy }: Finding): string {
  const medium = mediumOf(process.stdout);
  const start = `${painted(state.padEnd(stateWidth), styles[state], medium)}  ${what.padEnd(whatWidth)}  `;
  const indent = ' '.repeat(stateWidth + whatWidth + 4);
  return `${start}${found}\n${remedy === undefined ? '' : `${indent}-> ${remedy}\n`}`;
}
