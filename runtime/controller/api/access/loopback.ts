import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { accessDenied } from './caller';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Whether only this machine can connect to a host name or address, which may be in brackets. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(plain);
  if (family === 0) return plain === 'localhost';
  return loopback.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a server that listens there listens at every address of this machine. */
export function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Throws KFlowError `access-denied` for a request that a web page of another origin made a browser send: an open
 * controller requires no token that such a page would lack. `Host` reveals a page whose own name was rebound to this
 * machine (DNS rebinding), `Origin` reveals every other page.
 */
export function assertSameMachine({ host = '', origin }: IncomingHttpHeaders): void {
  const here = `http://${host}`;
  if (!URL.canParse(here) || !isLoopback(new URL(here).hostname)) {
    throw accessDenied(`host "${host}": without tokens, only localhost, 127.0.0.1 and [::1] are allowed`);
  }
  if (origin === undefined || origin.toLowerCase() === here.toLowerCase()) return;
  throw accessDenied(`origin ${origin}: without tokens, only pages of ${here} are allowed`);
}
