/**
 * `inside HOME IMAGE CRDS COMMAND…`: the first program in the namespaces of a node. Starts the cluster, then the command, with
 * the cluster's description in the file that `KFLOW_NODE` names, `KUBECONFIG`, and `kubectl` on PATH; exits as the command
 * does. Whatever still runs then ends with the namespaces.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isolate } from './isolate';
import { startNodeCluster } from './node-cluster';

async function main([home = '', image = '', crds = '', command = '', ...args]: readonly string[]): Promise<number> {
  const started = performance.now();
  const progress = (line: string) => {
    process.stderr.write(`node: ${((performance.now() - started) / 1000).toFixed(1)} s: ${line}\n`);
  };
  isolate(home);
  const cluster = await startNodeCluster({ home, image, crds, progress });
  const description = path.join(home, 'node.json');
  writeFileSync(description, JSON.stringify(cluster));
  const tools = path.join(home, 'tools');
  mkdirSync(tools);
  writeFileSync(path.join(tools, 'kubectl'), `#!/bin/sh\nexec ${cluster.kubernetes} kubectl "$@"\n`);
  chmodSync(path.join(tools, 'kubectl'), 0o755);
  progress('the cluster is up');
  const env = {
    ...process.env,
    KFLOW_NODE: description,
    KUBECONFIG: cluster.kubeconfig,
    PATH: `${tools}:${process.env.PATH}`,
  };
  const child = spawn(command, args, { stdio: 'inherit', env });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`node: ${String((error as Error).stack)}\n`);
    process.exit(1);
  },
);
