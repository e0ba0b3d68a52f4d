import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeAfterFile } from '../../support/close-after-file';
import { hostsFolder } from '../cluster/containerd';
import { blobFile, type Descriptor, reconfigureImage, unpackImage } from '../cluster/images';
import { hostAddress } from '../cluster/network';
import { kubectl, readNode } from './node';

const host = 'registry.example.org';
const repository = 'team/kflow';

/** A private registry with the runtime's image, which the node has under no other name and ID: the part of the API that pulls. */
export class PrivateRegistry {
  readonly image = `${host}/${repository}:1`;
  private readonly user = 'puller';
  private readonly password = randomBytes(16).toString('hex');
  /** Requests with a login, as `GET /v2/…`. */
  readonly served: string[] = [];
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-registry-'));
  private manifest: Descriptor | undefined;

  static async start(): Promise<PrivateRegistry> {
    const registry = new PrivateRegistry();
    const server = createServer((request, response) => registry.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, hostAddress, resolve));
    closeAfterFile('the registry', async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(registry.folder, { recursive: true });
    });
    const { folder } = registry;
    const manifest = await unpackImage(readNode().image, folder);
    // the kubelet remembers which image IDs were pulled with a login, and asks every pod for it
    registry.manifest = reconfigureImage(folder, manifest, { Labels: { vendor: randomBytes(8).toString('hex') } });
    registry.nameOnNode((server.address() as AddressInfo).port);
    return registry;
  }

  /** The Secret by which a namespace pulls, made as users make it. */
  async admit(namespace: string): Promise<void> {
    const login = [`--docker-server=${host}`, `--docker-username=${this.user}`, `--docker-password=${this.password}`];
    await kubectl(['create', 'secret', 'docker-registry', 'registry', '--namespace', namespace, ...login]);
  }

  /** containerd finds the registry by its name. */
  private nameOnNode(port: number): void {
    const folder = path.join(hostsFolder(readNode().folder), host);
    mkdirSync(folder, { recursive: true });
    const lines = [`[host."http://${hostAddress}:${port}"]`, '  capabilities = ["pull", "resolve"]'];
    writeFileSync(path.join(folder, 'hosts.toml'), [`server = "https://${host}"`, ...lines, ''].join('\n'));
  }

  private answer({ method, url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const login = `Basic ${Buffer.from(`${this.user}:${this.password}`).toString('base64')}`;
    if (headers.authorization !== login) {
      response
        .writeHead(401, { 'www-authenticate': `Basic realm="${host}"` })
        .end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      return;
    }
    const { pathname } = new URL(url, 'http://registry');
    this.served.push(`${method} ${pathname}`);
    const [, kind, reference = ''] = /^\/v2\/team\/kflow\/(manifests|blobs)\/([a-z0-9:]+)$/.exec(pathname) ?? [];
    const digest = reference === '1' ? this.manifest?.digest : reference;
    const file = digest?.startsWith('sha256:') ? blobFile(this.folder, digest) : '';
    if (pathname === '/v2/') response.end('{}');
    else if (kind === undefined || !existsSync(file))
      response.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}');
    else {
      response.writeHead(200, {
        'content-type': kind === 'manifests' ? this.manifest?.mediaType : 'application/octet-stream',
        'content-length': statSync(file).size,
        'docker-content-digest': digest,
      });
      if (method === 'HEAD') response.end();
      else createReadStream(file).pipe(response);
    }
  }
}
