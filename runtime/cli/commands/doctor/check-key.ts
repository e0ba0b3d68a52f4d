import { statSync } from 'node:fs';
import { InstallationSecret } from '../../../adapters/kubernetes/installation-secret';
import type { ControllerSettings } from '../../../controller/settings/settings';
import type { InstallationKey } from '../../../installation/installation-key';
import { readKeyFile } from '../../../installation/key-file';
import { type Finding, failed, ok, warning } from './finding';

const what = 'installation key';

export interface CheckedKey {
  readonly finding: Finding;
  /** Undefined if there is none, or it cannot be read. */
  readonly key?: InstallationKey;
}

/** The installation key of a controller: there, readable by it, and by nobody else on this machine. */
export async function checkKey({ installation, cluster }: ControllerSettings): Promise<CheckedKey> {
  const { keyFile, secret, namespace } = installation;
  try {
    if (keyFile !== undefined) return checkFile(keyFile);
    if (cluster.kind !== 'kubernetes') {
      return { finding: failed(what, 'installation.keyFile is not set', 'name a file with the key') };
    }
    const opened = await InstallationSecret.open(cluster, { secret, namespace });
    const key = await opened.read().finally(() => opened.close());
    if (key === undefined) {
      const remedy = 'the controller makes it at its first start; if it was there before, restore it from its copy';
      return { finding: warning(what, `no Secret ${opened.name}`, remedy) };
    }
    return { key, finding: ok(what, `Secret ${opened.name}${numberOf(key)}`) };
  } catch (error) {
    const remedy = 'correct installation.keyFile or installation.secret, or restore the key from its copy';
    return { finding: failed(what, (error as Error).message, remedy) };
  }
}

function checkFile(file: string): CheckedKey {
  const key = readKeyFile(file);
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return { key, finding: ok(what, `${file}${numberOf(key)}`) };
  const found = `${file} has the mode ${mode.toString(8)}: other users of this machine may read it`;
  return { key, finding: warning(what, found, `chmod 600 ${file}`) };
}

function numberOf({ ids }: InstallationKey): string {
  return ids.length === 1 ? '' : `, ${ids.length} keys`;
}
