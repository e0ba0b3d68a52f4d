import { type Command, InvalidArgumentError } from 'commander';

/** Runs a command and turns what it gives or throws into the exit status. */
export type Exit = (command: () => Promise<number>) => Promise<void>;

/** The commands of a controller, and of the stack on this machine; each is loaded when it is called. */
export function addStackCommands(program: Command, exit: Exit): void {
  program.commandsGroup('A controller, here or on a cluster:');
  program
    .command('up')
    .description('start nats-server, Temporal, an S3 server and the controller on this machine; their data is kept')
    .option('-d, --detach', 'in the background: ends when everything answers, exit status 1 when it does not')
    .option('--directory <dir>', 'folder of data, logs and addresses', '.kflow')
    .option('--port <port>', 'of the API; left out: 9080 when it is free, else one that is kept', portNumber)
    .option('--nats-port <port>', 'of nats-server; left out: a free one that is kept', portNumber)
    .option('--temporal-port <port>', 'of the Temporal server', portNumber)
    .option('--s3-port <port>', 'of the S3 server', portNumber)
    .action((options) => exit(async () => (await import('./up.js')).up(options)));

  program
    .command('down')
    .description('end the stack that `kflow up` started in this folder, or in one above')
    .option('--directory <dir>', 'folder of the stack; left out: the nearest .kflow')
    .option('--timeout <seconds>', 'how long replicas may finish what they hold', secondsNumber, 60)
    .option('--remove-data', 'remove flows, streams and buckets, after asking')
    .option('-y, --yes', 'do not ask')
    .action((options) => exit(async () => (await import('./down.js')).down(options)));

  const bucket = program.command('bucket').description("fill and read buckets of the stack's object store");
  bucket
    .command('put')
    .description('store the files of a folder; the bucket is made when it is missing')
    .argument('<name>')
    .argument('<dir>')
    .action((name: string, dir: string) => exit(async () => (await import('./bucket.js')).putBucket(name, dir)));
  bucket
    .command('get')
    .description('copy the objects into a folder')
    .argument('<name>')
    .argument('<dir>')
    .action((name: string, dir: string) => exit(async () => (await import('./bucket.js')).getBucket(name, dir)));
  bucket
    .command('list')
    .description('list the buckets, or the objects of one')
    .argument('[name]')
    .action((name: string | undefined) => exit(async () => (await import('./bucket.js')).listBucket(name)));

  program
    .command('controller')
    .description('run the controller: the API and the worker of all flows; settings in docs/controller.md')
    .option('--config <file>', 'settings (YAML or JSON); KFLOW_CONTROLLER_… in the environment are laid over them')
    .option('--port <port>', 'of the API, whatever the settings say', portNumber)
    .action((options) => exit(async () => (await import('../controller/controller.js')).controller(options)));

  program
    .command('install')
    .description('print the manifests of a controller for a cluster, to be applied with kubectl or from git')
    .option('--namespace <name>', 'where the controller runs', 'kflow')
    .option('--no-create-namespace', 'the namespace is there already')
    .requiredOption('--nats-url <url>', 'address of nats as controller and pods see it, as nats://nats.nats.svc:4222')
    .requiredOption('--temporal-address <host:port>', 'frontend of Temporal, as temporal-frontend.temporal.svc:7233')
    .option('--image <image>', 'image of controller and runtime', 'kflow:latest')
    .option('--tokens-secret <name>', 'Secret whose key tokens.yaml lists the tokens')
    .option('--oidc-issuer <url>', 'issuer of bearer tokens')
    .option('--oidc-audience <audience>', 'audience that they have to have')
    .option('--oidc-roles-claim <claim>', 'claim that holds the roles or groups')
    .option(
      '--oidc-role <value=role>',
      'what a value of the claim may do: view, operate or admin; repeatable',
      collect,
      [],
    )
    .option('--settings-secret <name>', 'Secret with more settings, as KFLOW_CONTROLLER_S3_DEFAULT_PASSWORD')
    .option('--watch-namespaces <a,b>', 'namespaces whose flows it runs; left out: all')
    .option('--egress <host:port>', 'object store that it makes buckets at; repeatable', collect, [])
    .option('--replicas <number>', 'of the controller', replicaNumber, 2)
    .action((options) => exit(async () => (await import('../controller/install.js')).install(options)));
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It has to be a port, 1 to 65535.');
  return port;
}

function secondsNumber(value: string): number {
  const seconds = Number(value);
  if (!(seconds >= 0)) throw new InvalidArgumentError('It has to be a number of seconds.');
  return seconds;
}

function replicaNumber(value: string): number {
  const replicas = Number(value);
  if (!Number.isInteger(replicas) || replicas < 1) throw new InvalidArgumentError('It has to be 1 or more.');
  return replicas;
}
