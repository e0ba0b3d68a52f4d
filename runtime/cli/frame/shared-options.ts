import { defaultImage, imagePullPolicies } from '../../../lib/topology/document/image';
import {
  argument,
  argumentList,
  choiceOption,
  durationMs,
  flag,
  httpUrl,
  imageName,
  jobTtl,
  listOption,
  natsDomain,
  natsUrls,
  objectName,
  option,
  text,
  withDefault,
} from './values';

/** Output formats: a table for people, or the data of the API. */
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
  image: option('<image>', `image of the runtime, for functions without one (default: ${defaultImage})`, {
    parse: imageName,
  }),
  natsUrl: option('<url>', 'address of NATS as pods reach it (default: nats://nats.nats.svc:4222)', {
    parse: natsUrls,
  }),
  imagePullSecret: listOption(
    '<name>',
    'Secret by which images are pulled, in the namespace of each flow; repeatable',
    {
      parse: objectName,
    },
  ),
  imagePullPolicy: choiceOption(imagePullPolicies, 'when images are pulled, for functions without a policy', {
    placeholder: '<policy>',
  }),
  natsSecret: listOption('<name>', 'Secret with the credentials of NATS, mounted by every pod; repeatable', {
    parse: objectName,
  }),
  natsDomain: option('<name>', 'JetStream domain of the streams', { parse: natsDomain }),
  nackAccount: option('<name>', "Account by which NACK makes the streams (default: NACK's own login)", {
    parse: objectName,
  }),
  makeBuckets: flag('the functions create the buckets that they write, if these do not exist'),
  jobTtl: option('<duration>', 'remove the Jobs of a batch this long after their end, as in 1h (default: keep them)', {
    parse: jobTtl,
  }),
  strictSecrets: flag('reject topologies that contain the value of a secret'),
} as const;

export const yesOption = flag('do not ask for confirmation', { short: '-y' });

export const jobArgument = argument({ description: 'JOB or NAMESPACE/JOB', completes: 'flow' });

const commonHeading = 'Common options:';

/** Options of every command that talks to a controller. */
export const flowOptions = {
  namespace: option('<namespace>', 'namespace (default: that of the only flow with this id, else default)', {
    parse: text,
    short: '-n',
    heading: commonHeading,
    completes: 'namespace',
  }),
  output: withDefault(
    choiceOption(outputFormats, 'output format', {
      placeholder: '<format>',
      short: '-o',
      heading: commonHeading,
    }),
    'table',
  ),
  url: option('<url>', 'address of the controller', { parse: httpUrl, heading: commonHeading }),
  token: option('<token>', 'bearer token', { parse: text, heading: commonHeading }),
  ca: option('<file>', 'CA of the certificate of the controller', { parse: text, heading: commonHeading }),
} as const;

/** Options of every command that changes a flow, and can wait for the change. */
export const changeOptions = {
  comment: option('<text>', 'reason, for the audit log', { parse: String }),
  wait: flag('wait until the change has taken effect, and report the reasons for a delay'),
  timeout: option(
    '<duration>',
    'limit of the request (default: 60s) and of --wait (300s; none for a batch to complete), as in 90s or 5m',
    {
      parse: durationMs(),
    },
  ),
  ...flowOptions,
} as const;

const { timeout: _timeout, wait: _wait, namespace: flowNamespace, ...acceptedChange } = changeOptions;
const namespace = { ...flowNamespace, description: 'namespace (default: default)' };

/** Options of every command that reads something else than flows. */
export const readOptions = { ...flowOptions, namespace } as const;

/** Options of every command that changes something else than flows; nobody waits for such a change. */
export const acceptedChangeOptions = { ...acceptedChange, namespace } as const;

export const functionsOption = listOption('<id>', 'only these functions', {
  parse: text,
  arity: 'words',
  completes: 'function',
});

/** Follows the options in the help of every flow command. */
export const controllerDetails = `The address of the controller is --url or KFLOW_URL, else that of the stack that
kflow up started in this folder or in a parent folder, else
http://127.0.0.1:9080. The token is --token, KFLOW_TOKEN, or the content of the
file KFLOW_TOKEN_FILE. The certificate of an https address must be issued by a
CA in the file --ca or KFLOW_CA, else by one that the system trusts.`;
