import { type ControllerAddress, ControllerConnection } from '../../client/controller-connection';
import { type Finding, failed, ok } from './finding';

const timeoutMs = 5_000;

/** The API of a controller: that it answers, is ready, and accepts the token. */
export async function checkController(address: ControllerAddress): Promise<readonly Finding[]> {
  const what = 'controller';
  const connection = new ControllerConnection(address, timeoutMs);
  try {
    await connection.text('/readyz', 'text/plain');
    await connection.text('/kflows/v1?limit=1', 'application/json');
    return [ok(what, `${address.url} is ready`)];
  } catch (error) {
    const [found = '', ...advice] = (error as Error).message.split('\n');
    return [failed(what, found, advice.join('; ') || 'correct the address, or see the log of the controller')];
  }
}
