import { defaultImage } from '../../../../lib/topology/document/image';
import {
  choiceOption,
  flag,
  listOption,
  names,
  natsUrls,
  negatedFlag,
  option,
  required,
  roleMapping,
  text,
  wholeNumber,
  withDefault,
} from '../../frame/values';

/** Options of `kflow install`. */
export const installOptions = {
  namespace: withDefault(option('<name>', 'namespace of the controller', { parse: text }), 'kflow'),
  createNamespace: negatedFlag('do not create the namespace; it must exist'),
  natsUrl: required(
    option('<url>', 'address of NATS for controller and pods, as in nats://nats.nats.svc:4222', { parse: natsUrls }),
  ),
  natsSecret: listOption('<name>', 'Secret with the credentials of NATS for the controller; repeatable', {
    parse: text,
  }),
  podNatsSecret: listOption(
    '<name>',
    'the same for pods, in the namespace of each flow; repeatable (default: the names of --nats-secret)',
    { parse: text },
  ),
  natsAccounts: choiceOption(
    ['operator', 'config'],
    'an account of NATS for each namespace; see docs/tenants.md (default: one account for everything)',
    { placeholder: '<kind>' },
  ),
  natsDomain: option('<name>', 'JetStream domain of the streams', { parse: text }),
  temporalAddress: required(
    option('<host:port>', 'frontend of Temporal, as in temporal-frontend.temporal.svc:7233', { parse: text }),
  ),
  image: withDefault(option('<image>', 'image of controller and runtime', { parse: text }), defaultImage),
  imagePullSecret: listOption('<name>', 'Secret by which the image is pulled, for controller and pods; repeatable', {
    parse: text,
  }),
  priorityClass: option('<name>', 'existing PriorityClass of the controller (default: the manifests create one)', {
    parse: text,
  }),
  tlsSecret: option('<name>', 'Secret (kubernetes.io/tls) with the certificate of the API', { parse: text }),
  taskQueue: option(
    '<name>',
    'task queue on the Temporal server, one for each installation (default: kflow-NAMESPACE)',
    {
      parse: text,
    },
  ),
  tokensSecret: option('<name>', 'Secret whose key tokens.yaml lists the tokens', { parse: text }),
  oidcIssuer: option('<url>', 'issuer of bearer tokens', { parse: text }),
  oidcAudience: option('<audience>', 'audience that the tokens must have', { parse: text }),
  oidcRolesClaim: option('<claim>', 'claim with the roles or groups', { parse: text }),
  oidcRole: listOption('<value=role>', 'role for a value of the claim: view, operate or admin; repeatable', {
    parse: roleMapping,
  }),
  settingsSecret: option('<name>', 'Secret with more settings, such as KFLOW_CONTROLLER_S3_DEFAULT_PASSWORD', {
    parse: text,
  }),
  watchNamespaces: option('<a,b>', 'namespaces whose flows the controller runs, separated by commas (default: all)', {
    parse: names,
  }),
  secretNamespaces: option(
    '<a,b>',
    'namespaces in which the controller may manage Secrets (without --watch-namespaces)',
    {
      parse: names,
    },
  ),
  allSecrets: flag('the controller may manage Secrets in every namespace'),
  keySecret: option('<name>', 'existing Secret with the installation key (default: the controller makes one)', {
    parse: text,
  }),
  egress: listOption('<host:port>', 'object store where the controller creates buckets; repeatable', { parse: text }),
  replicas: withDefault(option('<number>', 'replicas of the controller', { parse: wholeNumber(1) }), 2),
} as const;
