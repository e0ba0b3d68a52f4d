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
 * I1. The certificate in force is the last valid one: a broken or half-replaced pair changes nothing and is logged once.
 * I2. Connections that are open keep the certificate that they began with.
 */
export class ServingCertificate {
  private timer: NodeJS.Timeout | undefined;
  private isReading = false;

  private constructor(
    private readonly files: CertificateFiles,
    private readonly log: Log,
    private version: string,
    /** The options of the server at its start. */
    readonly options: SecureContextOptions,
  ) {}

  /** Throws ConfigError for files that cannot be read, or that are not a certificate with its key. */
  static async open(files: CertificateFiles, log: Log): Promise<ServingCertificate> {
    const version = await versionOf(files);
    return new ServingCertificate(files, log, version, await read(files));
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
      if (version === this.version) return;
      this.version = version;
      server.setSecureContext(await read(this.files));
      this.log('INFO', `${this.files.certFile}: reloaded`);
    } catch (error) {
      this.log('ERROR', `keeping the previous certificate: ${(error as Error).message}`);
    } finally {
      this.isReading = false;
    }
  }
}

async function read({ certFile, keyFile }: CertificateFiles): Promise<SecureContextOptions> {
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
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `listen.tls: ${certFile} and ${keyFile} are not a certificate with its private key: ${why}`;
    throw new ConfigError('config-invalid', message, { cause });
  }
  return options;
}

async function versionOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  return (await Promise.all([certFile, keyFile].map(fileVersion))).join('\n');
}
