import { randomBytes } from 'node:crypto';
import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { apply, image, kflow, kubectl } from './node';

/** How a controller is installed. */
export interface ControllerProps {
  readonly namespace: string;
  readonly natsUrl: string;
  /** Default: the image that the node has. */
  readonly image?: string;
  /** Further options of `kflow install`. */
  readonly options: readonly string[];
  /** Settings by their variable, which a Secret holds. */
  readonly settings: { readonly [variable: string]: string };
}

/** The controller that most tests share, on a nats that everybody gets into. */
export const sharedController: ControllerProps = {
  namespace: 'kflow',
  natsUrl: 'nats://nats.nats.svc:4222',
  options: ['--all-secrets'],
  settings: {},
};

/** A controller that `kflow install` has put into the cluster, used through its Service. */
export class InstalledController {
  private constructor(
    private readonly namespace: string,
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Makes room on the node for the controllers of other tests. */
  async remove(): Promise<void> {
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false']);
  }

  /** Installs the controller, or finds the one that another test file has installed. */
  static async open(props: ControllerProps = sharedController): Promise<InstalledController> {
    const { namespace } = props;
    const read = async (kind: string, name: string) =>
      JSON.parse(await kubectl(['get', kind, name, '-n', namespace, '-o', 'json']));
    const isInstalled = await read('secret', 'kflow-tokens').catch(() => undefined);
    if (isInstalled === undefined) await install(props);
    await kubectl(['rollout', 'status', 'deployment', '-n', namespace, '--timeout', '300s']);
    const secret = await read('secret', 'kflow-tokens');
    const service = await read('service', 'kflow');
    const token = Buffer.from(secret.data.token, 'base64').toString();
    return new InstalledController(namespace, `http://${service.spec.clusterIP}:9080`, token);
  }

  kflow(...args: readonly string[]): Promise<string> {
    return kflow(args, { KFLOW_URL: this.url, KFLOW_TOKEN: this.token });
  }

  /** A GET request on a connection of its own. Throws unless the answer is 200. */
  async ask(pathName: string): Promise<unknown> {
    const response = await this.fetch(pathName, { headers: { connection: 'close' } });
    if (!response.ok) throw new Error(`${pathName}: ${response.status}`);
    return response.json();
  }

  async post(pathName: string, body: object): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { 'content-type': 'application/json' };
    const response = await this.fetch(pathName, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  async status(namespace: string, jobId: string): Promise<FlowStatus> {
    return JSON.parse(await this.kflow('status', `${namespace}/${jobId}`, '-o', 'json'));
  }

  private fetch(pathName: string, request: RequestInit): Promise<Response> {
    const headers = { ...request.headers, authorization: `Bearer ${this.token}` };
    return fetch(`${this.url}${pathName}`, { ...request, headers });
  }
}

async function install(props: ControllerProps): Promise<void> {
  const { namespace, natsUrl, options, settings } = props;
  const token = randomBytes(16).toString('hex');
  const manifests = await kflow([
    'install',
    ...['--namespace', namespace, '--image', props.image ?? image, '--tokens-secret', 'kflow-tokens'],
    ...['--nats-url', natsUrl, '--temporal-address', 'temporal-frontend.temporal.svc:7233'],
    ...['--egress', 'minio.default.svc:9000', '--settings-secret', 'kflow-settings', ...options],
  ]);
  const tokens = JSON.stringify([{ name: 'tests', role: 'admin', token }]);
  const secret = (name: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData,
  });
  await kubectl(['create', 'namespace', namespace]).catch(() => undefined);
  await apply([secret('kflow-tokens', { 'tokens.yaml': tokens, token }), secret('kflow-settings', settings)]);
  await apply(manifests);
}
