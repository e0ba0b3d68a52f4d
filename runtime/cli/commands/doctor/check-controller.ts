import { connectionFault, isCertificateFault } from '../../client/connection-fault';
import type { ControllerAddress } from '../../client/controller-connection';
import { sendRequest } from '../../client/send-request';
import { type Finding, failed, ok } from './finding';

const timeoutMs = 5_000;

/** The API of a controller: that it answers, is ready, and accepts the token. */
export async function checkController({ url, token, ca }: ControllerAddress): Promise<readonly Finding[]> {
  const what = 'controller';
  const get = (path: string) => {
    const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
    return sendRequest(`${url}${path}`, { method: 'GET', headers, ca, signal: AbortSignal.timeout(timeoutMs) });
  };
  try {
    const ready = await get('/readyz');
    const text = (await ready.text()).trim();
    if (!ready.ok) return [failed(what, `${url} is not ready: ${text}`, 'see the log of the controller')];
    const { status } = await get('/kflows/v1?limit=1');
    if (status === 401 || status === 403) {
      return [
        failed(what, `${url} refuses the token (${status})`, 'set KFLOW_TOKEN or KFLOW_TOKEN_FILE to a valid token'),
      ];
    }
    return [ok(what, `${url} is ready`)];
  } catch (error) {
    if (isCertificateFault(error)) {
      return [failed(what, `${url}: ${connectionFault(error)}`, 'correct the address, the certificate or its CA')];
    }
    const reason = (error as Error).name === 'AbortError' ? 'timed out' : connectionFault(error);
    const remedy = 'start it (`kflow up`, `kubectl port-forward`), or name its address with --url';
    return [failed(what, `${url} does not answer: ${reason}`, remedy)];
  }
}
