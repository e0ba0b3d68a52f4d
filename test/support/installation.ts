import { InstallationKey, newInstallationKey } from '../../runtime/installation/installation-key';

/** An installation key of its own. */
export function testKey(): InstallationKey {
  return InstallationKey.parse(newInstallationKey(), 'a test');
}
