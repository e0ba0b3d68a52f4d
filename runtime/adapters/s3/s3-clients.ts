import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import { ConfigError } from '../../../lib/errors';
import type { ForeignError } from './object-store-error';
import { addressInRegion, isAwsAddress, parseAddress, regionOfAddress } from './s3-address';
import { defaultRegion, expectedRegion } from './s3-region';

/** Where an object store is, and how it is reached. */
export interface S3Account {
  /** `host:port`, which means http, or a URL. */
  readonly addr: string;
  /** Without `user` and `password`, those of the environment: AWS_* variables, files, or the role of the pod or machine. */
  readonly user?: string;
  readonly password?: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  /** Default: the one that the server expects. A server that expects another one than this is an error. */
  readonly region?: string;
  /** Certificates of the CAs to trust, as PEM text or as the path of a file. Default: those of Node. */
  readonly ca?: string;
  /** False: the bucket is part of the host name. Default: true. */
  readonly pathStyle?: boolean;
  /** How long a connection may be without a byte in either direction. Default: one minute. */
  readonly idleTimeoutMs?: number;
}

export type Sdk = typeof import('@aws-sdk/client-s3');

/** What a call is made with. */
export interface S3Connection {
  readonly sdk: Sdk;
  readonly client: S3Client;
}

const maxSockets = 64;
const connectTimeoutMs = 5_000;
const defaultIdleTimeoutMs = 60_000;
/** Attempts of one call that are corrected: each correction can reveal another one. */
const maxCorrections = 3;
/** Errors with these statuses may be caused by the clock of this machine. */
const refusals = new Set([400, 401, 403]);

/**
 * The SDK's clients of an object store: one for each region.
 *
 * I1. The region of a bucket is learned from the server's first refusal and kept.
 * I2. The difference between the clocks is learned from the server's answers; the SDK signs with the server's time.
 *
 * The SDK is loaded by the first call.
 */
export class S3Clients {
  /** The service's URL. */
  readonly address: string;
  private readonly ca: string | undefined;
  private readonly clients = new Map<string, S3Client>();
  private readonly regions = new Map<string, string>(); // I1
  private loading: Promise<Sdk> | undefined;

  /** Throws ConfigError when the address is invalid or the CA's file has no certificate. */
  constructor(private readonly account: S3Account) {
    this.address = parseAddress(account.addr);
    this.ca = account.ca === undefined ? undefined : readCa(account.ca);
  }

  /** Runs a call, and runs it again, at once, when the server has named the region or the time to sign with. */
  async run<T>(bucket: string, call: (connection: S3Connection) => Promise<T>): Promise<T> {
    for (let corrections = 0; ; corrections++) {
      const region = this.regionOf(bucket);
      try {
        return await call(await this.connect(region));
      } catch (error) {
        const isCorrected = this.learnRegion(bucket, region, error) || isClockCorrected(error);
        if (!isCorrected || corrections === maxCorrections) throw error;
      }
    }
  }

  destroy(): void {
    for (const client of this.clients.values()) client.destroy();
  }

  private regionOf(bucket: string): string {
    return this.account.region ?? this.regions.get(bucket) ?? regionOfAddress(this.address) ?? defaultRegion;
  }

  /** Whether the error names a region that was not known. */
  private learnRegion(bucket: string, used: string, error: unknown): boolean {
    const region = expectedRegion(error);
    if (region === undefined || region === used) return false;
    if (this.account.region !== undefined) {
      const message = `S3 at ${this.address}: the region of ${bucket} is ${region}, not ${used}; correct "region", or remove it`;
      throw new ConfigError('setting-invalid', message, { where: this.address, cause: error });
    }
    // also when a concurrent call has learned it in the meantime
    this.regions.set(bucket, region);
    return true;
  }

  private async connect(region: string): Promise<S3Connection> {
    // The SDK warns about old versions of Node; the engines field of this package decides which are supported.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    this.loading ??= import('@aws-sdk/client-s3');
    const sdk = await this.loading;
    const client = this.clients.get(region) ?? this.open(sdk, region);
    this.clients.set(region, client);
    return { sdk, client };
  }

  private open(sdk: Sdk, region: string): S3Client {
    const { user, password, sessionToken, pathStyle = true, idleTimeoutMs = defaultIdleTimeoutMs } = this.account;
    const agent = { keepAlive: true, maxSockets };
    return new sdk.S3Client({
      endpoint: addressInRegion(this.address, region),
      region,
      forcePathStyle: pathStyle,
      ...(user === undefined
        ? {}
        : { credentials: { accessKeyId: user, secretAccessKey: password ?? '', sessionToken } }),
      // Small S3 services do not support the newer checksums of uploads. All support those of the signature and the etag.
      ...(isAwsAddress(this.address) ? {} : { requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
      responseChecksumValidation: 'WHEN_SUPPORTED',
      // `S3ObjectStore` retries: the SDK's retries change some errors and print warnings about streams.
      retryStrategy: { mode: 'none', retry: (next, args) => next(args) },
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout: idleTimeoutMs,
        httpAgent: new HttpAgent(agent),
        httpsAgent: new HttpsAgent({ ...agent, ca: this.ca }),
      },
    });
  }
}

/** Whether the SDK has learned from a refusal that the clocks differ. */
function isClockCorrected(error: unknown): boolean {
  const { $metadata } = error as Partial<ForeignError>;
  return $metadata?.clockSkewCorrected === true && refusals.has($metadata.httpStatusCode ?? 0);
}

/** Whether a text contains a certificate, rather than the path of a file. */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----');
}

function readCa(ca: string): string {
  try {
    const text = isPem(ca) ? ca : readFileSync(ca, 'utf8');
    if (isPem(text)) return text;
  } catch (cause) {
    throw new ConfigError('setting-invalid', `ca: cannot read the file ${ca}: ${(cause as Error).message}`, { cause });
  }
  throw new ConfigError('setting-invalid', `ca: the file ${ca} contains no certificate in PEM format`);
}
