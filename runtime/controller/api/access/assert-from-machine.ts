import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../http/api-error';
import { isLoopback } from './is-loopback';

/**
 * Throws ApiError 403 for a request that a page of somewhere else had a browser send: nobody on this machine meant it,
 * and an open controller asks for no token that the page would lack. The name in Host shows a page whose own name was
 * made to point here; Origin shows any other.
 */
export function assertFromMachine({ host = '', origin }: IncomingHttpHeaders): void {
  const here = `http://${host}`;
  if (!URL.canParse(here) || !isLoopback(new URL(here).hostname)) {
    const message = `the request is for the host "${host}"; without tokens only localhost, 127.0.0.1 and [::1] are answered`;
    throw new ApiError(403, 'access-denied', message);
  }
  if (origin === undefined || origin.toLowerCase() === here.toLowerCase()) return;
  const message = `the request comes from a page of ${origin}; without tokens only pages of ${here} are answered`;
  throw new ApiError(403, 'access-denied', message);
}
