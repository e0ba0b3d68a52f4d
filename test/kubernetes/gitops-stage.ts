import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type DocumentProps, Flow } from '../../lib/constructs/flow';
import { FlowApp } from '../../lib/constructs/flow-app';
import type { FlowPlan } from '../../lib/plan/flow-plan';
import { startNackController } from '../../runtime/servers/nack-controller';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import type { RunningServer } from '../../runtime/servers/run-server';
import { type ApplicationOptions, ArgoApplication } from '../support/argo-application';
import { serverFiles } from '../support/server-files';
import { installNackCrds, makeRestrictedNamespace, sharedKubeconfig } from './support';

/** Login of a user; empty on an open nats. */
interface NatsUser {
  readonly user?: string;
  readonly pass?: string;
}

/** A folder as a git repository, nats, and NACK for some namespaces of the shared control plane. */
export class GitOpsStage {
  readonly repository = mkdtempSync(path.join(tmpdir(), 'kflow-gitops-'));
  private readonly nacks = new Map<string, RunningServer>();
  private readonly connections: NatsConnection[] = [];
  private server: NatsServer | undefined;

  private constructor(private readonly config: readonly string[]) {}

  /** With an open nats, the namespaces, and NACK for each. */
  static async open(...namespaces: readonly string[]): Promise<GitOpsStage> {
    const stage = await GitOpsStage.openEmpty();
    try {
      for (const namespace of namespaces) {
        await makeRestrictedNamespace(namespace);
        await stage.startNack(namespace);
      }
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Without namespaces; `config` are lines of nats' configuration. */
  static async openEmpty({ config = [] }: { readonly config?: readonly string[] } = {}): Promise<GitOpsStage> {
    const stage = new GitOpsStage(config);
    try {
      await installNackCrds();
      await stage.startNats();
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  get nats(): NatsServer {
    if (this.server === undefined) throw new Error('nats has not started');
    return this.server;
  }

  async manager(login: NatsUser = {}): Promise<JetStreamManager> {
    return (await this.connect(login)).jetstreamManager();
  }

  /** Stores one message in the stream of a subject. */
  async publish(subject: string, login: NatsUser = {}): Promise<void> {
    await (await this.connect(login)).jetstream().publish(subject, 'kept');
  }

  async startNack(namespace: string): Promise<void> {
    const place = this.place(`nack-${namespace}`);
    const options = { ...place, namespace, kubeconfig: sharedKubeconfig(), natsUrl: this.nats.url };
    this.nacks.set(namespace, await startNackController({ ...options, syncInterval: '1s' }));
  }

  async stopNack(namespace: string): Promise<void> {
    await this.nacks.get(namespace)?.stop();
  }

  /** At the same address as before. */
  async startNats(): Promise<void> {
    this.server = await startNatsServer({ ...this.place('nats'), config: this.config });
  }

  async stopNats(): Promise<void> {
    for (const connection of this.connections.splice(0)) await connection.close();
    await this.server?.stop();
  }

  /** An Application with the policy of the example, for one folder of the repository and one namespace. */
  application(name: string, namespace: string, options: ApplicationOptions = {}): ArgoApplication {
    const place = { repository: this.repository, kubeconfig: sharedKubeconfig() };
    return ArgoApplication.likeExample(place, name, namespace, options);
  }

  /** Commits the manifests of a flow to the folder of an Application, in place of those of before. */
  commit(application: string, document: string, props: DocumentProps = {}): FlowPlan {
    const app = new FlowApp();
    const { plan } = Flow.fromTopology(app, 'flow', document, props);
    const [text] = app.texts().values();
    if (plan === undefined || text === undefined) throw new Error('the topology has problems');
    writeFileSync(path.join(this.repository, application, `${plan.jobId}.k8s.yaml`), text);
    return plan;
  }

  async close(): Promise<void> {
    for (const nack of this.nacks.values()) await nack.stop();
    await this.stopNats();
    rmSync(this.repository, { recursive: true });
  }

  private async connect(login: NatsUser): Promise<NatsConnection> {
    const connection = await connect({ servers: this.nats.url, ...login });
    this.connections.push(connection);
    return connection;
  }

  private place(name: string) {
    return serverFiles(path.join(this.repository, '.servers'), name);
  }
}
