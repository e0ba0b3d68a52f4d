import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'cdk8s';
import { Flow } from '../lib/constructs/flow';

/** What `cdk8s synth` renders in this repository: the quickstart's topology as Kubernetes manifests. */
const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist/manifests' });
const file = path.join(__dirname, 'quickstart/topology.yaml');
Flow.fromTopology(app, 'quickstart', readFileSync(file, 'utf8'), file);
app.synth();
