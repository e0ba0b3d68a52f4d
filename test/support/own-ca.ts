import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A certificate, with the CA that has issued it. All are PEM texts. */
export interface OwnCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Replaces the certificate in the folder of `ownCa` by one that expired yesterday. */
export function expireCertificate(folder: string): void {
  const openssl = (args: string) => execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' });
  const names = '-addext subjectAltName=IP:127.0.0.1,DNS:localhost';
  openssl(`req -new -key server.key -subj /CN=server ${names} -out server.csr`);
  const signed = '-CA ca.crt -CAkey ca.key -CAcreateserial -copy_extensions copyall';
  openssl(`x509 -req -in server.csr ${signed} -days -1 -out server.crt`);
}

/** Makes a CA and a certificate for these names as files `ca.crt`, `server.crt` and `server.key` in a folder. */
export function ownCa(folder: string, names = 'IP:127.0.0.1,DNS:localhost'): OwnCertificate {
  mkdirSync(folder, { recursive: true });
  const openssl = (args: string) => execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' });
  const create = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
  openssl(`${create} -keyout ca.key -out ca.crt -subj /CN=own-ca`);
  const extensions = `-addext subjectAltName=${names} -addext basicConstraints=CA:FALSE`;
  openssl(`${create} -keyout server.key -out server.crt -subj /CN=server -CA ca.crt -CAkey ca.key ${extensions}`);
  const text = (name: string) => readFileSync(path.join(folder, name), 'utf8');
  return { ca: text('ca.crt'), cert: text('server.crt'), key: text('server.key') };
}
