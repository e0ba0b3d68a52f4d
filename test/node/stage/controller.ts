import { randomBytes } from 'node:crypto';
import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { apply, image, kflow, kubectl } from './node';

export const controllerNamespace = 'kflow';

/** A controller that `kflow install` has put into the cluster, used through its Service. */
export class InstalledController {
  private constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Installs the controller, or finds the one that another test file has installed. */
  static async open(): Promise<InstalledController> {
    const found = await kubectl(['get', 'secret', 'kflow-tokens', '-n', controllerNamespace, '-o', 'json']).catch(
      () => '',
    );
    if (found === '') await install();
    await kubectl(['rollout', 'status', 'deployment', '-n', controllerNamespace, '--timeout', '300s']);
    const secret = JSON.parse(
      await kubectl(['get', 'secret', 'kflow-tokens', '-n', controllerNamespace, '-o', 'json']),
    );
    const service = JSON.parse(await kubectl(['get', 'service', 'kflow', '-n', controllerNamespace, '-o', 'json']));
    const token = Buffer.from(secret.data.token, 'base64').toString();
    return new InstalledController(`http://${service.spec.clusterIP}:9080`, token);
  }

  kflow(...args: readonly string[]): Promise<string> {
    return kflow(args, { KFLOW_URL: this.url, KFLOW_TOKEN: this.token });
  }

  /** A GET request on a connection of its own. Throws unless the answer is 200. */
  async ask(pathName: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.token}`, connection: 'close' };
    const response = await fetch(`${this.url}${pathName}`, { headers });
    if (!response.ok) throw new Error(`${pathName}: ${response.status}`);
    return response.json();
  }

  async status(namespace: string, jobId: string): Promise<FlowStatus> {
    return JSON.parse(await this.kflow('status', `${namespace}/${jobId}`, '-o', 'json'));
  }
}

async function install(): Promise<void> {
  const token = randomBytes(16).toString('hex');
  const manifests = await kflow([
    'install',
    ...['--namespace', controllerNamespace, '--image', image, '--tokens-secret', 'kflow-tokens'],
    ...['--nats-url', 'nats://nats.nats.svc:4222', '--temporal-address', 'temporal-frontend.temporal.svc:7233'],
    ...['--egress', 'minio.default.svc:9000'],
  ]);
  const tokens = JSON.stringify([{ name: 'tests', role: 'admin', token }]);
  await kubectl(['create', 'namespace', controllerNamespace]).catch(() => undefined);
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'kflow-tokens', namespace: controllerNamespace },
      stringData: { 'tokens.yaml': tokens, token },
    },
  ]);
  await apply(manifests);
}
