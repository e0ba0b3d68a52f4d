import { cpSync } from 'node:fs';
import path from 'node:path';
import { ArgoApplication } from '../../support/argo-application';
import { type GitOpsProps, GitOpsRun } from './flow-run';
import { listObjects, readNode } from './node';
import type { NumberFlow } from './number-document';

/** `kflow synth`, synced by Argo CD's engine as an Application with the namespace's name. */
export class ArgoRun extends GitOpsRun {
  readonly application: ArgoApplication;

  constructor(flow: NumberFlow, props: GitOpsProps = {}) {
    super(flow, props);
    const place = { repository: this.folder, kubeconfig: readNode().kubeconfig };
    this.application = ArgoApplication.likeExample(place, this.namespace, this.namespace);
  }

  protected override async deliver(file: string): Promise<void> {
    cpSync(file, path.join(this.folder, this.namespace, path.basename(file)));
    const { phase, message } = await this.application.sync('600s');
    expect([phase, message]).toEqual(['Succeeded', expect.any(String)]);
  }

  /** What the Application has made in its namespace, and what that has made, as far as a removal or a change would show. */
  async objects(): Promise<readonly string[]> {
    const own = ['streams', 'consumers', 'keyvalues'].map((kind) => `${kind}.jetstream.nats.io`);
    const kinds = [...own, 'deployments', 'statefulsets', 'jobs', 'services', 'pods'].join();
    const objects = await listObjects(kinds, this.namespace);
    return objects
      .map(({ kind, metadata: { name, uid, generation } }) => `${kind} ${name} ${uid} ${generation}`)
      .sort();
  }

  /** The streams of nats that are the flow's, with the records they hold; replicas change the state as they start and end. */
  streams(): Promise<readonly string[]> {
    return this.inNats(async (connection) => {
      const streams = await (await connection.jetstreamManager()).streams.list().next();
      return streams
        .filter(({ config }) => config.name.includes(`_${this.namespace}_`))
        .map(({ config: { name }, created, state }) => {
          const records = name.startsWith('KV_') ? '' : ` with ${state.messages} records up to ${state.last_seq}`;
          return `${name} of ${created}${records}`;
        })
        .sort();
    });
  }
}
