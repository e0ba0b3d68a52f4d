import { z } from 'zod';
import { functionTypeNames } from '../function-types/function-type';
import { containerSchema } from './container-schema';
import { field } from './document-field';
import { imagePullPolicies } from './image';
import { metaShape } from './meta-setting';
import { tasksField } from './task-declaration';
import { testsField } from './test-case-schema';
import { Mode, s3SecretKeys } from './topology';

/** The only definition of the document's fields. Shape checks, known keys and the JSON Schema are derived from it. */

const avro = (description: string) =>
  z.union([z.string(), z.looseObject({})], { error: 'an Avro schema: JSON text, or a map' }).describe(description);

const functionIds = (description: string) => field.list(field.text('Id of a function.'), description);

const image = field.word('Image of the container.');
const imagePullPolicy = field.oneOf(imagePullPolicies, 'When Kubernetes pulls the image.');
const user = field.text('User name; defaults to globalConfig, then to the controller.');
const password = field.text('Password; defaults to globalConfig, then to the controller. Quote numbers.');

const secret = field.text(
  'Name of a Secret in the namespace of the flow, with the keys user and password; replaces those two.',
);

/** How an S3 server is reached, beside its address, user and password. */
const s3Access = {
  sessionToken: field.text('S3: session token of temporary credentials, beside user and password.').optional(),
  secretKeys: field
    .list(
      field.oneOf(s3SecretKeys, 'A key of the Secret.'),
      'S3: keys that are read from the Secret beside user and password: sessionToken, ca.crt.',
    )
    .optional(),
  auth: field
    .oneOf(
      ['environment'],
      'S3: use the credentials of the environment (AWS_* variables, web identity, role of the machine) instead of user and password.',
    )
    .optional(),
  region: field.word('S3: region of the server; defaults to the one that the server names.').optional(),
  ca: field
    .word(
      'S3 with https: certificates of the CAs to trust, as PEM text or as the absolute path of a file; defaults to the public CAs.',
    )
    .optional(),
  pathStyle: field.flag('S3: false makes the bucket a part of the host name; true by default.').optional(),
};

const globalConfig = (description: string) =>
  field.section(
    {
      store: field
        .section(
          {
            addr: field.text('Address of the S3 server: host:port.').optional(),
            user: user.optional(),
            password: password.optional(),
            secret: secret.optional(),
            ...s3Access,
            autoDownload: field.flag('Download the object that each record names by bucket and key.').optional(),
          },
          'The S3 server of sources, sinks and downloads.',
        )
        .optional(),
      sideStream: field
        .section(
          {
            enabled: field.flag('Publish a record for each error.').optional(),
            addr: field.text('Address of the NATS server: nats://host:port.').optional(),
            errorTopics: field.text('Subjects for errors, as stream.subject, separated by commas.').optional(),
          },
          'Where errors of functions are published.',
        )
        .optional(),
      messageStore: field
        .section(
          {
            enabled: field
              .flag('Store messages that are too large for NATS in S3. Functions do not inherit it.')
              .optional(),
            topics: field.text('The bucket.').optional(),
            user: user.optional(),
            password: password.optional(),
            secret: secret.optional(),
            addr: field.text('Address of the S3 server: host:port.').optional(),
            ...s3Access,
            maxPayloadSize: field
              .count('Messages above this number of bytes are stored in S3; defaults to the limit of the NATS server.')
              .optional(),
            image: image.optional(),
            imagePullPolicy: imagePullPolicy.optional(),
          },
          'S3 as the store for large messages.',
        )
        .optional(),
      devStore: field
        .section(
          {
            enabled: field.flag('Run each process by itself, on the objects that are put into its folder.').optional(),
            image: image.optional(),
            imagePullPolicy: imagePullPolicy.optional(),
            user: user.optional(),
            password: password.optional(),
            secret: secret.optional(),
            topics: field.text('The bucket.').optional(),
            addr: field.text('Address of the S3 server: host:port.').optional(),
            ...s3Access,
          },
          'Step-by-step runs.',
        )
        .optional(),
      metrics: field
        .section(
          {
            enabled: field.flag('Start a Prometheus exporter in each pod.').optional(),
            port: field.port('Port of the exporter; 9002 by default.').optional(),
          },
          'Monitoring.',
        )
        .optional(),
      stream: field
        .section(
          {
            maxMsgs: field.count('Maximum number of messages in an output stream; 100000 by default.').optional(),
            maxBytes: field
              .count('Maximum size of an output stream in bytes; 1073741824 (1 GiB) by default.')
              .optional(),
            replicas: field.count('Replicas of an output stream in a NATS cluster; 1 by default.').optional(),
            onDelete: field
              .oneOf(
                ['keep', 'delete'],
                'Whether records are kept (the default) or deleted with the manifest of the stream.',
              )
              .optional(),
          },
          "Limits of a function's output stream. A full stream makes its function wait and discards nothing.",
        )
        .optional(),
      container: containerSchema.optional(),
      image: image.optional(),
      imagePullPolicy: imagePullPolicy.optional(),
    },
    description,
  );

const sideOutput = field.section(
  {
    id: field.text('Id of the side output, unique in its function.'),
    schema: avro('Avro schema of its records.').optional(),
    out: functionIds('Ids of the functions that read it.').optional(),
  },
  'A secondary output.',
);

const flowFunction = field.section(
  {
    id: field.text('Unique id: lower-case letters, digits and single dashes.'),
    type: field.oneOf(functionTypeNames, 'Type of the function.'),
    format: field
      .oneOf(
        ['list', 'json', 'avro', 'parquet'],
        'fs-source: `list`, one record for each object of the bucket. s3-sink in bulk mode: content of the objects; json by default.',
      )
      .optional(),
    addr: field.text('Address of the server a source reads or a sink writes: host:port.').optional(),
    topics: field.text('What a source reads or a sink writes, as s3a://bucket/prefix.').optional(),
    user: user.optional(),
    password: password.optional(),
    secret: secret.optional(),
    ...s3Access,
    image: image.optional(),
    imagePullPolicy: imagePullPolicy.optional(),
    groupId: field.text('Name of the consumer group, unique in the topology.').optional(),
    parallelism: field.replicas("Number of replicas; defaults to the topology's.").optional(),
    partitionBy: field
      .text('Field of the emitted records that is their key: records of one key are processed in order.')
      .optional(),
    schema: avro(
      'Avro schema of the records that a source or process emits, or that a sink reads. A process without one uses the schema of its input.',
    ).optional(),
    out: functionIds('Ids of the functions that read the output.').optional(),
    tasks: tasksField.optional(),
    sideOuts: field.list(sideOutput, 'Secondary outputs.').optional(),
    globalConfig: globalConfig("Settings of this function, which override the topology's globalConfig.").optional(),
    meta: field.openSection(metaShape(), "KFlow's settings of the function, and the user's own keys.").optional(),
  },
  'A function of the dag.',
);

const error = 'a list of at least one function';

export const documentSchema = field.section(
  {
    runtime: field.oneOf(['flow'], 'The basic runtime.').optional(),
    namespace: field.text("The flow's Kubernetes namespace.").optional(),
    jobId: field.text("The flow's name in its namespace; defaults to the name of the file.").optional(),
    mode: field
      .oneOf(Object.values(Mode) as [Mode, ...Mode[]], 'batch ends with its input; stream, the default, does not end.')
      .optional(),
    parallelism: field.replicas('Default number of replicas of a function; 1 by default.').optional(),
    run: field
      .count('Manifests of a batch: number of its run. A higher number than before processes the input again.')
      .optional(),
    globalConfig: globalConfig('Settings of all functions.').optional(),
    dag: z.array(flowFunction, { error }).min(1, { error }).describe('The functions of the flow.'),
    tests: testsField.optional(),
  },
  'A KFlow topology.',
);

export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The document as a person writes it. */
export type TopologyDocument = Frozen<z.input<typeof documentSchema>>;
export type FunctionDocument = TopologyDocument['dag'][number];
export type GlobalConfigDocument = NonNullable<TopologyDocument['globalConfig']>;
