import * as http from 'node:http';
import * as https from 'node:https';

const PROBE_TIMEOUT_MS = 2_000;

/** Resolves when a URL answers with 200. */
export function probeUrl(url: string, access: { readonly ca?: string; readonly token?: string } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const { get } = url.startsWith('https:') ? https : http;
    const headers = access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
    const request = get(url, { agent: false, ca: access.ca, headers, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`${url} answers ${response.statusCode}`));
    });
    request.once('timeout', () => request.destroy(new Error(`${url} does not answer`)));
    request.once('error', reject);
  });
}
