import { ConfigError } from '../../../../lib/errors';
import { type Finding, failed, ok } from './finding';

/** Whether this installation may use something that only one may. `isClaimed` throws ConfigError `config-invalid` if not. */
export async function checkClaim(what: string, name: string, isClaimed: () => Promise<boolean>): Promise<Finding> {
  try {
    const state = (await isClaimed()) ? 'of this installation' : 'claimed by a controller at its first start';
    return ok(what, `${name}: ${state}`);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== 'config-invalid') throw error;
    const [found = '', ...advice] = error.message.split('; ');
    return failed(what, found, advice.join('; '));
  }
}
