import { complete, completion } from './commands/completion/completion';
import { controller } from './commands/controller/controller';
import { install } from './commands/controller/install';
import { natsConfig } from './commands/controller/nats-config';
import { dev } from './commands/dev/dev';
import { doctor } from './commands/doctor/doctor';
import { event, receipts, workers } from './commands/executions/event';
import { endTask, executions, inspect } from './commands/executions/executions';
import { pause, replay, restart, resume, rollback, scale, stop } from './commands/flows/changes';
import { remove } from './commands/flows/delete';
import { diff } from './commands/flows/diff';
import { events } from './commands/flows/events';
import { history } from './commands/flows/history';
import { logs } from './commands/flows/logs';
import { status } from './commands/flows/status';
import { submit, update } from './commands/flows/submit';
import { dlq } from './commands/letters/dlq';
import { nackAccount } from './commands/manifests/nack-account';
import { plan } from './commands/manifests/plan';
import { synth } from './commands/manifests/synth';
import { publish } from './commands/revisions/publish';
import { revisions } from './commands/revisions/revisions';
import { run } from './commands/run/run';
import { bucket } from './commands/stack/bucket';
import { down } from './commands/stack/down';
import { up } from './commands/stack/up';
import { test } from './commands/test/test';
import { fmt } from './commands/topology/fmt';
import { graph } from './commands/topology/graph';
import { lint } from './commands/topology/lint';
import { schema } from './commands/topology/schema';
import { natsLogin } from './commands/worker/nats-login';
import { simulate } from './commands/worker/simulate';
import { worker } from './commands/worker/worker';
import type { CommandGroup } from './frame/command';

/** Every command of `kflow`, in the order of its help. A new command is a declaration in its group's folder and an entry here. */
export const groups: readonly CommandGroup[] = [
  { heading: 'Topologies and task flows:', commands: [lint, test, graph, fmt, schema] },
  { heading: 'Manifests:', commands: [synth, plan, nackAccount] },
  { heading: 'Run on this machine:', commands: [run, worker, natsLogin, simulate, dev, up, down, bucket, doctor] },
  { heading: 'Controller:', commands: [controller, install, natsConfig] },
  {
    heading: 'Start and change flows:',
    commands: [submit, update, scale, pause, resume, restart, replay, rollback, stop, remove],
  },
  { heading: 'Inspect flows:', commands: [status, logs, events, dlq, history, diff] },
  { heading: 'Executions of task flows:', commands: [executions, event, receipts, workers, inspect, endTask] },
  { heading: 'Components:', commands: [publish, revisions] },
  { heading: 'Shell:', commands: [completion, complete] },
];
