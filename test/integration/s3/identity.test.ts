import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { TestS3Server } from '../../support/test-s3-server';

/** What a pod with an identity has: variables and files that its platform injects, and a server that gives credentials. */
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-identity-'));
const original = { ...process.env };
const store = new TestS3Server({ region: 'eu-central-1', sessionToken: 'of-the-role' });
let issuer: Issuer;

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

/** Issues temporary credentials as the token service of AWS, or as the agent of a container. */
class Issuer {
  readonly asked: Asked[] = [];
  expiresInMs = 3_600_000;
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request).then((text) => response.end(text));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    this.asked.push({ path: String(request.url), authorization: request.headers.authorization, form });
    const expires = new Date(Date.now() + this.expiresInMs).toISOString();
    if (request.method === 'GET') {
      const issued = { AccessKeyId: 'a', SecretAccessKey: 's', Token: 'of-the-role', Expiration: expires };
      return JSON.stringify(issued);
    }
    const issued = `<AccessKeyId>a</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of-the-role</SessionToken><Expiration>${expires}</Expiration>`;
    return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${issued}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
  }
}

beforeAll(async () => {
  await store.start();
  store.fill('inbox', { 'a.txt': 'hello' });
});
afterAll(async () => {
  await store.stop();
  rmSync(folder, { recursive: true });
});

/** The environment of a pod, without what this machine has. */
async function pod(variables: (url: string) => NodeJS.ProcessEnv): Promise<void> {
  issuer = new Issuer();
  const url = await issuer.start();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(
    process.env,
    { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: file('no-config', '') },
    variables(url),
  );
}
afterEach(() => {
  issuer.stop();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, original);
});

function file(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

async function read(from = new S3ObjectStore({ addr: store.address })): Promise<string> {
  try {
    return Buffer.from(await from.get('inbox', 'a.txt')).toString();
  } finally {
    await from.close();
  }
}

test('a pod with a web identity takes on its role', async () => {
  await pod((url) => ({
    AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'token-of-the-pod'),
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/orders',
    AWS_ENDPOINT_URL_STS: url,
  }));
  expect(await read()).toBe('hello');
  const { form } = issuer.asked.at(-1) as Asked;
  expect(form.get('Action')).toBe('AssumeRoleWithWebIdentity');
  expect(form.get('RoleArn')).toBe('arn:aws:iam::1:role/orders');
  expect(form.get('WebIdentityToken')).toBe('token-of-the-pod');
});

test('a web identity that the cluster has rotated is read again when the credentials end', async () => {
  await pod((url) => ({
    AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'first'),
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/orders',
    AWS_ENDPOINT_URL_STS: url,
  }));
  issuer.expiresInMs = 1_000;
  const from = new S3ObjectStore({ addr: store.address, region: 'eu-central-1' });
  await from.get('inbox', 'a.txt');
  file('token', 'second');
  expect(await read(from)).toBe('hello');
  const tokens = issuer.asked.map(({ form }) => form.get('WebIdentityToken'));
  expect([tokens[0], tokens.at(-1)]).toEqual(['first', 'second']);
});

test('a container takes the credentials of its agent, with the token of its file', async () => {
  await pod((url) => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file('container-token', 'token-of-the-container'),
  }));
  expect(await read()).toBe('hello');
  expect(issuer.asked.at(-1)).toMatchObject({ path: '/v1/credentials', authorization: 'token-of-the-container' });
});

test('a profile of a mounted file has static credentials', async () => {
  const profile = '[orders]\naws_access_key_id = a\naws_secret_access_key = s\naws_session_token = of-the-role\n';
  await pod(() => ({ AWS_SHARED_CREDENTIALS_FILE: file('credentials', profile), AWS_PROFILE: 'orders' }));
  expect(await read()).toBe('hello');
  expect(issuer.asked).toEqual([]);
});

test('an identity that is refused fails the call and shows no token', async () => {
  await pod(() => ({
    AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'token-of-the-pod'),
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/orders',
    AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
  }));
  const from = new S3ObjectStore({ addr: store.address, retryForMs: 0 });
  const failed = read(from);
  await expect(failed).rejects.toMatchObject({ code: 'store-failed' });
  expect((await failed.catch((error) => error)).message).not.toContain('token-of-the-pod');
});
