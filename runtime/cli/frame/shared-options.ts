import {
  argument,
  argumentList,
  choiceOption,
  durationMs,
  flag,
  httpUrl,
  listOption,
  natsUrls,
  option,
  text,
  withDefault,
} from './values';

/** The forms that output takes: text for people, or data as the API has it. */
const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

const fileKinds = 'YAML, JSON, or a program that exports a flow';

export const topologyFile = argument({ name: 'file', description: `topology: ${fileKinds}` });
export const topologyFiles = argumentList({ name: 'file', description: `topologies: ${fileKinds}`, parse: text });

const sentKinds = `topology: ${fileKinds}; - reads stdin`;
export const sentFile = argument({ name: 'file', description: sentKinds });
export const sentFiles = argumentList({ name: 'file', description: sentKinds, parse: text });
export const comparedFileHelp = sentKinds;

export const setOption = listOption(
  '<path=value>',
  'override a field, as in mode=batch or dag.map.parallelism=3; repeatable',
  { parse: text },
);

/** Options of every command that renders manifests. */
export const manifestOptions = {
  set: setOption,
  image: option('<image>', 'image of the runtime, for functions without one (default: kflow:latest)', { parse: text }),
  natsUrl: option('<url>', 'address of NATS as pods reach it (default: nats://nats.nats.svc:4222)', {
    parse: natsUrls,
  }),
  strictSecrets: flag('reject topologies that contain the value of a secret'),
} as const;

export const yesOption = flag('do not ask for confirmation', { short: '-y' });

export const jobArgument = argument({ description: 'JOB or NAMESPACE/JOB', completes: 'flow' });

const ofEveryFlowCommand = 'Options of every flow command:';

/** Options of every command that talks to a controller. */
export const flowOptions = {
  namespace: option('<namespace>', 'namespace (default: that of the only flow with this id, else default)', {
    parse: text,
    short: '-n',
    heading: ofEveryFlowCommand,
    completes: 'namespace',
  }),
  output: withDefault(
    choiceOption(outputFormats, 'output format', {
      placeholder: '<format>',
      short: '-o',
      heading: ofEveryFlowCommand,
    }),
    'table',
  ),
  url: option('<url>', 'address of the controller', { parse: httpUrl, heading: ofEveryFlowCommand }),
  token: option('<token>', 'bearer token', { parse: text, heading: ofEveryFlowCommand }),
} as const;

/** Options of every command that changes a flow, and can wait for the change. */
export const changeOptions = {
  comment: option('<text>', 'reason, for the audit log', { parse: text }),
  wait: flag('wait until the change has taken effect; report what holds it up'),
  timeout: option(
    '<duration>',
    'stop waiting after this long, as in 90s or 5m (default: 300s; no limit for a batch to complete)',
    {
      parse: durationMs(),
    },
  ),
  ...flowOptions,
} as const;

export const functionsOption = listOption('<id>', 'only these functions', {
  parse: text,
  arity: 'words',
  completes: 'function',
});

/** Below the help of every flow command. */
export const controllerDetails = `The controller is the one at --url or KFLOW_URL; else the one that kflow up
started in this folder or in a folder above; else http://127.0.0.1:9080. The
token comes from --token, KFLOW_TOKEN, or the file that KFLOW_TOKEN_FILE names.`;
