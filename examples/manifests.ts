import path from 'node:path';
import { Flow } from '../lib/constructs/flow';
import { FlowApp } from '../lib/constructs/flow-app';

/** What `cdk8s synth` renders in this repository: the examples as Kubernetes manifests. */
const app = new FlowApp({ outdir: process.env.CDK8S_OUTDIR ?? 'dist/manifests' });
Flow.fromFile(app, 'quickstart', path.join(__dirname, 'quickstart/topology.yaml'));
app.synth();
