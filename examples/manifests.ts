import path from 'node:path';
import { Flow, FlowApp } from 'kflow/constructs';
import { flow as messageStore } from './message-store/flow';

/** What `cdk8s synth` renders in this repository: the examples as Kubernetes manifests. */
const app = new FlowApp({ outdir: process.env.CDK8S_OUTDIR ?? 'dist/manifests' });
Flow.fromFile(app, 'quickstart', path.join(__dirname, 'quickstart/topology.yaml'));
Flow.fromFile(app, 'words', path.join(__dirname, 'gitops/flows/words.yaml'));
Flow.fromDefinition(app, 'message-store', messageStore);
app.synth();
