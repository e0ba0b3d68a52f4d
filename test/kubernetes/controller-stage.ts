import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { flowKinds } from '../../lib/plan/controller-requirements';
import type { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { readControllerSettings } from '../../runtime/controller/settings/settings';
import { type RunningController, startController } from '../../runtime/controller/start-controller';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import { startTemporalServer, type TemporalServer } from '../../runtime/servers/temporal-server';
import { FlowClient } from '../support/flow-client';
import { type KflowCommand, Workplace } from '../support/kflow-cli';
import { serverFiles } from '../support/server-files';
import { waitFor } from '../support/wait-for';
import { ApiProxy } from './api-proxy';
import { Kubelet } from './kubelet';
import { limitedAccess } from './limited-access';
import { PodAccess } from './pod-access';
import { connectCluster, makeRestrictedNamespace } from './support';

export interface AnotherController {
  readonly api: FlowClient;
  readonly command: KflowCommand;
  kill(): void;
}

/** A controller with its servers, in a namespace that enforces Pod Security `restricted`. */
export class ControllerStage {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-controlled-'));
  private readonly place = new Workplace();
  private readonly ends: (() => Promise<unknown>)[] = [];
  /** Warnings of the controller. */
  readonly warnings: string[] = [];
  private config = '';
  private client: FlowClient | undefined;

  private constructor(
    readonly namespace: string,
    /** Access with all rights, as an administrator has it. */
    readonly admin: KubernetesObjects,
    /** The proxy between the controller and the API server. */
    readonly proxy: ApiProxy,
    readonly kubelet: Kubelet,
  ) {}

  get api(): FlowClient {
    if (this.client === undefined) throw new Error('the controller has not started');
    return this.client;
  }

  static async open(namespace: string): Promise<ControllerStage> {
    await makeRestrictedNamespace(namespace);
    const admin = await connectCluster();
    const stage = new ControllerStage(namespace, admin, await ApiProxy.open(), await Kubelet.open(namespace));
    try {
      stage.client = new FlowClient((await stage.start()).url);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Starts another controller with the same settings in its own process; default: with the same kubeconfig. */
  async another(kubeconfig?: string): Promise<AnotherController> {
    const command = this.place.kflow('controller', '--config', this.configWith(kubeconfig));
    this.ends.push(async () => command.process.kill('SIGKILL'));
    const url = await waitFor('the other controller', async () => urlOf(command));
    return { api: new FlowClient(url), command, kill: () => command.process.kill('SIGKILL') };
  }

  /** The limited access of a controller in a pod: a token that is valid as long as the pod exists. */
  podAccess(pod: string): Promise<PodAccess> {
    return PodAccess.open(this.namespace, pod, this.folder);
  }

  /** Objects of a flow that are not terminating, of one kind or of all, by kind and name. */
  async objects(jobId: string, kind?: string): Promise<readonly KubernetesObject[]> {
    const kinds = [...flowKinds, { apiVersion: 'v1', kind: 'Pod' }].filter(
      (each) => kind === undefined || each.kind === kind,
    );
    const selector = `kflow.io/job=${jobId}`;
    const found = await Promise.all(kinds.map((each) => this.admin.list(each, this.namespace, selector)));
    const keyOf = (object: KubernetesObject) => `${object.kind} ${object.metadata.name}`;
    return found.flat().sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  }

  /** Desired replicas of a flow's Deployments by function. */
  async replicas(jobId: string): Promise<{ readonly [functionId: string]: number }> {
    const deployments = await this.objects(jobId, 'Deployment');
    const counts = deployments.map(({ metadata, spec }) => [
      metadata.labels?.['kflow.io/function'],
      (spec as { readonly replicas: number }).replicas,
    ]);
    return Object.fromEntries(counts);
  }

  /** Pods of a function that are not terminating. */
  async podsOf(jobId: string, functionId: string): Promise<readonly KubernetesObject[]> {
    const isOwn = ({ metadata }: KubernetesObject) =>
      metadata.labels?.['kflow.io/function'] === functionId && !('deletionTimestamp' in metadata);
    return (await this.objects(jobId, 'Pod')).filter(isOwn);
  }

  async podNames(jobId: string, functionId: string): Promise<readonly string[]> {
    return (await this.podsOf(jobId, functionId)).map(({ metadata }) => metadata.name);
  }

  async close(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
    await this.kubelet.close();
    await this.proxy.close();
    rmSync(this.folder, { recursive: true });
    this.place.remove();
  }

  private configWith(kubeconfig?: string): string {
    if (kubeconfig === undefined) return this.config;
    const settings = JSON.parse(readFileSync(this.config, 'utf8'));
    const file = `${kubeconfig}.controller.json`;
    const cluster = { ...settings.cluster, kubeconfig: this.proxy.kubeconfig(kubeconfig) };
    writeFileSync(file, JSON.stringify({ ...settings, cluster }));
    return file;
  }

  private async start(): Promise<RunningController> {
    const { folder, namespace, warnings } = this;
    const at = (name: string) => serverFiles(folder, name);
    const nats: NatsServer = await startNatsServer(at('nats'));
    this.ends.push(() => nats.stop());
    const temporal: TemporalServer = await startTemporalServer(at('temporal'));
    this.ends.push(() => temporal.stop());
    const kubeconfig = this.proxy.kubeconfig(await limitedAccess(namespace, folder));
    this.config = path.join(folder, 'controller.json');
    const settings = {
      listen: { host: '127.0.0.1', port: 0 },
      nats: { url: nats.url, replicas: 1 },
      temporal: { address: temporal.address },
      cluster: { kind: 'kubernetes', namespaces: [namespace], kubeconfig },
      installation: { namespace },
      pods: { image: 'kflow:test', natsUrl: 'nats://nats.nats.svc:4222' },
      times: { pauseGraceSeconds: 3, readySeconds: 4 },
    };
    writeFileSync(this.config, JSON.stringify(settings));
    const log = (level: string, text: string) => {
      if (level !== 'INFO' && level !== 'DEBUG') warnings.push(text);
    };
    const controller = await startController(readControllerSettings({}, this.config), { log });
    this.ends.push(() => controller.close());
    return controller;
  }
}

function urlOf({ stdout, stderr, process }: KflowCommand): string | undefined {
  if (process.exitCode !== null) throw new Error(`it ended: ${stdout}${stderr}`);
  return /listening at (http:[^"\s]+)/.exec(stdout)?.[1];
}
