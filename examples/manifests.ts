import path from 'node:path';
import { Flow, FlowApp } from 'kflow/constructs';
import { addLabels } from './cdk8s-plus/labels';
import { flow as messageStore } from './message-store/flow';

/** What `cdk8s synth` renders in this repository: the examples as Kubernetes manifests. */
const outdir = process.env.CDK8S_OUTDIR ?? 'dist/manifests';
const app = new FlowApp({ outdir });
Flow.fromFile(app, 'quickstart', path.join(__dirname, 'quickstart/topology.yaml'));
Flow.fromFile(app, 'words', path.join(__dirname, 'gitops/flows/words.yaml'));
Flow.fromDefinition(app, 'message-store', messageStore);
app.synth();

// charts that depend on each other get numbered files, so they have an app of their own
const ordered = new FlowApp({ outdir });
addLabels(ordered);
ordered.synth();
