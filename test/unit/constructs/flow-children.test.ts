import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ApiObject, JsonPatch, Testing } from 'cdk8s';
import { Flow } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import { FlowNamespace } from '../../../lib/constructs/flow-namespace';

const file = path.join(__dirname, '../../fixtures/topologies/side-outs.yaml');

test('the children of a flow have the ids that are documented, so that a program can change them', () => {
  const flow = Flow.fromTopology(new FlowApp(), 'flow', readFileSync(file, 'utf8'));
  const jobId = flow.plan?.jobId;
  const ids = flow.node.children.map(({ node }) => node.id.replace(`${jobId}-`, 'JOB-'));
  expect(ids).toEqual(expect.arrayContaining(['Account', 'State', 'JOB----dead']));
  const [first] = flow.plan?.workloads ?? [];
  const [consumer] = flow.plan?.consumers ?? [];
  expect(ids).toContain(`JOB--${first?.function}`);
  expect(ids.some((id) => id.endsWith(`--reader--${consumer?.function}`))).toBe(true);
  for (const workload of flow.plan?.workloads ?? []) {
    const children = flow.node.findChild(workload.function).node.children.map(({ node }) => node.id);
    expect(children).toEqual(expect.arrayContaining(['Config', 'Network', 'Workload']));
  }
  for (const { node } of flow.node.children.filter((child) => child.node.id.startsWith(`${jobId}--`))) {
    expect(ApiObject.isApiObject(node.findChild('Resource'))).toBe(true);
  }
});

test('who looks for an object of a flow with problems learns the problems', () => {
  const text = readFileSync(file, 'utf8');
  const wrongImage = Flow.fromTopology(new FlowApp(), 'flow', text, { image: 'No Image' });
  const [first] = wrongImage.plan?.workloads ?? [];
  const wanted = first?.function ?? '';
  expect(() => wrongImage.node.findChild(wanted)).toThrow(/\[flow\] has no objects.*problems:\n.*"No Image"/s);
  const wrongText = Flow.fromTopology(new FlowApp(), 'flow', { dag: [{ id: wanted, type: 'nothing' }] });
  expect(() => wrongText.node.findChild(wanted)).toThrow('"nothing"');
  const sound = Flow.fromTopology(new FlowApp(), 'flow', text);
  expect(sound.node.findChild(wanted).node.id).toBe(wanted);
  expect(() => sound.node.findChild('absent')).toThrow("No child with id: 'absent'");
});

test('a patch of a workload is in the manifest', () => {
  const flow = Flow.fromTopology(new FlowApp(), 'flow', readFileSync(file, 'utf8'));
  const [first] = flow.plan?.workloads ?? [];
  const workload = ApiObject.of(flow.node.findChild(first?.function ?? '').node.findChild('Workload'));
  workload.addJsonPatch(JsonPatch.add('/spec/template/spec/dnsPolicy', 'None'));
  const patched = Testing.synth(flow).filter(({ spec }) => spec?.template?.spec?.dnsPolicy === 'None');
  expect(patched.map(({ metadata }) => metadata.labels['kflow.io/function'])).toEqual([first?.function]);
});

test('a namespace for flows admits only restricted pods, and comes before what is in it', () => {
  const labels = { team: 'blue', 'pod-security.kubernetes.io/warn': 'baseline' };
  const [namespace] = Testing.synth(new FlowNamespace(new FlowApp(), 'orders', { name: 'orders-prod', labels }));
  expect(namespace).toEqual({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: 'orders-prod',
      annotations: { 'argocd.argoproj.io/sync-wave': '-1' },
      labels: {
        team: 'blue',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'baseline',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    },
  });
});
