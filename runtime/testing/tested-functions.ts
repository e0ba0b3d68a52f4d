import type { FlowPlan, PlannedWorkload } from '../../lib/plan/flow-plan';
import { outputSubject, streamName } from '../../lib/plan/names';
import { planFlow } from '../../lib/plan/plan-flow';
import type { TestDocument } from '../../lib/topology/document/test-case-schema';
import type { FlowFunction, Topology } from '../../lib/topology/document/topology';
import { descriptorOf, kindOf } from '../../lib/topology/function-types/function-type';
import type { TestedFunction } from './test-plan';

/** Stands for the object stores of the topology, which no test calls. */
const noStore = { addr: 'memory:9000', user: 'test', password: 'test' };

/** The plan of a topology whose servers are in memory. */
export function planInMemory(topology: Topology): FlowPlan {
  const servers = topology.dag
    .filter(({ type }) => ['search-server', 'nats-server'].includes(descriptorOf(type).connectsTo))
    .map(({ id, addr = 'http://memory:9200' }) => [id, { addr }] as const);
  return planFlow(topology, {
    streamReplicas: 1,
    hasOwnNats: true,
    hasClusterSecrets: true,
    s3Override: noStore,
    messageBucketDefault: 'memory',
    servers: Object.fromEntries(servers),
  });
}

/** A function as a test runs it: to the end of its inputs, as in a batch, and with the replicas of the test. */
export function testedFunction(
  topology: Topology,
  plan: FlowPlan,
  { fn, test }: { readonly fn: FlowFunction; readonly test: TestDocument },
): TestedFunction {
  const workload = plan.workloads.find((each) => each.function === fn.id);
  if (workload === undefined) throw new Error(`${fn.id} is not planned`);
  const { spec } = workload;
  const stream = streamName(topology, fn.id);
  // what a function without readers returns is dropped, but not in a test
  const leaf = kindOf(fn.type) !== 'sink' && spec.output === undefined;
  const { maxMsgs, maxBytes } = fn.globalConfig.stream;
  const output = {
    stream,
    subject: outputSubject(topology, fn.id),
    maxMsgs,
    maxBytes,
    dedupeWindowMs: 1,
    durables: [],
  };
  return {
    spec: { ...spec, mode: 'batch', replicas: test.replicas ?? 1, ...(leaf ? { output } : {}) },
    env: { ...variablesOf(plan, workload), ...test.env },
  };
}

/** The variables whose values the topology has; those of a cluster are set by the test. */
function variablesOf(plan: FlowPlan, { container, secretEnv }: PlannedWorkload): { readonly [name: string]: string } {
  const secrets = new Map(plan.secrets.map(({ name, entries }) => [name, entries]));
  const entries = [
    ...container.env.map(({ name, value }) => [name, value] as const),
    ...secretEnv.map(({ name, secret, key }) => [name, secrets.get(secret)?.[key]] as const),
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
