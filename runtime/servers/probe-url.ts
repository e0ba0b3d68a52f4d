import * as http from 'node:http';
import * as https from 'node:https';

const probeTimeoutMs = 2_000;

/** Resolves when the URL responds with 200. */
export function probeUrl(url: string, access: { readonly ca?: string; readonly token?: string } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const { get } = url.startsWith('https:') ? https : http;
    const headers = access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
    const request = get(url, { agent: false, ca: access.ca, headers, timeout: probeTimeoutMs }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`${url} responded with ${response.statusCode}`));
    });
    request.once('timeout', () => request.destroy(new Error(`no response from ${url}`)));
    request.once('error', reject);
  });
}
