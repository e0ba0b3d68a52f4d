import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../../../../lib/errors';
import type { Log } from '../../../log';
import { fileVersion } from '../access/file-version';

/** How soon a changed file takes effect. */
const reloadEveryMs = 2_000;

export interface CertificateFiles {
  /** The certificate and, after it, those of the intermediate CAs; PEM. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** A server whose certificate can be replaced while it serves. */
export interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

/**
 * The certificate of a server, from files that are read again when they change, as cert-manager and mounted Secrets do.
 *
 * I1. The certificate in force is the last valid one: a broken, half-replaced or expired pair changes nothing, is logged
 *     once, and is tried again until it is valid.
 * I2. Connections that are open keep the certificate that they began with.
 * I3. That the certificate in force has expired is logged once.
 */
export class ServingCertificate {
  private timer: NodeJS.Timeout | undefined;
  private isReading = false;
  private lastFault: string | undefined;

  private constructor(
    private readonly files: CertificateFiles,
    private readonly log: Log,
    private version: string,
    private current: ReadCertificate,
  ) {}

  /** Throws ConfigError for files that cannot be read, or that are not a certificate with its key. */
  static async open(files: CertificateFiles, log: Log): Promise<ServingCertificate> {
    const version = await versionOf(files);
    const opened = new ServingCertificate(files, log, version, await read(files));
    opened.reportExpiry();
    return opened;
  }

  /** The options of the server at its start. */
  get options(): SecureContextOptions {
    return this.current.options;
  }

  /** Replaces the certificate of the server when the files change, until `close`. */
  keep(server: SecureServer): void {
    this.timer = setInterval(() => void this.refresh(server), reloadEveryMs).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async refresh(server: SecureServer): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    try {
      const version = await versionOf(this.files);
      if (version !== this.version) {
        const next = await read(this.files);
        const fault = periodFault(next, this.files);
        if (fault !== undefined) throw new ConfigError('config-invalid', fault);
        server.setSecureContext(next.options);
        this.current = next;
        this.version = version;
        this.lastFault = undefined;
        this.log('INFO', `${this.files.certFile}: reloaded`);
      }
      this.reportExpiry();
    } catch (error) {
      this.report(`keeping the previous certificate: ${(error as Error).message}`);
    } finally {
      this.isReading = false;
    }
  }

  private reportExpiry(): void {
    const fault = periodFault(this.current, this.files);
    if (fault !== undefined) this.report(`clients refuse the certificate: ${fault}`);
  }

  private report(fault: string): void {
    if (fault !== this.lastFault) this.log('ERROR', fault);
    this.lastFault = fault;
  }
}

/** A certificate with its key, and when it is valid, in milliseconds since 1970. */
interface ReadCertificate {
  readonly options: SecureContextOptions;
  readonly from: number;
  readonly until: number;
}

/** Why a certificate is not valid now; undefined if it is. */
function periodFault({ from, until }: ReadCertificate, { certFile }: CertificateFiles): string | undefined {
  const at = (ms: number) => new Date(ms).toISOString();
  if (Date.now() > until) return `listen.tls.certFile: ${certFile} expired at ${at(until)}; renew it`;
  if (Date.now() < from) return `listen.tls.certFile: ${certFile} is not valid before ${at(from)}; check the clock`;
  return undefined;
}

async function read({ certFile, keyFile }: CertificateFiles): Promise<ReadCertificate> {
  const text = async (setting: string, file: string) => {
    try {
      return await readFile(file);
    } catch (cause) {
      const message = `${setting}: cannot read ${file}: ${(cause as Error).message}`;
      throw new ConfigError('config-invalid', message, { cause });
    }
  };
  const cert = await text('listen.tls.certFile', certFile);
  const key = await text('listen.tls.keyFile', keyFile);
  const options: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2' };
  try {
    createSecureContext(options);
    const { validFrom, validTo } = new X509Certificate(cert);
    return { options, from: Date.parse(validFrom), until: Date.parse(validTo) };
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `listen.tls: ${certFile} and ${keyFile} are not a certificate with its private key: ${why}`;
    throw new ConfigError('config-invalid', message, { cause });
  }
}

async function versionOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  return (await Promise.all([certFile, keyFile].map(fileVersion))).join('\n');
}
