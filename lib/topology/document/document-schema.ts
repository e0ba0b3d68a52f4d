import { z } from 'zod';
import { functionTypeNames } from '../function-types/function-type';
import { field } from './document-field';
import { metaShape } from './meta-setting';
import { Mode } from './topology';

/** The only definition of the document's fields: shape checks, known keys and the JSON Schema all come from here. */

const avro = (description: string) =>
  z.union([z.string(), z.looseObject({})], { error: 'an Avro schema: JSON text, or a map' }).describe(description);

const functionIds = (description: string) => field.list(field.text('Id of a function.'), description);

const image = field.word('Image of the container.');
const imagePullPolicy = field.oneOf(['Always', 'IfNotPresent', 'Never'], 'When Kubernetes pulls the image.');
const user = field.text('User name; left out: the one of globalConfig, then of the controller.');
const password = field.text('Password; left out: the one of globalConfig, then of the controller. Quote numbers.');

const secret = field.text(
  'Name of a Secret in the namespace of the flow, with the keys user and password; in place of those two.',
);

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
            autoDownload: field.flag('Download the object each record names by bucket and key.').optional(),
          },
          'The S3 server that sources, sinks and downloads use.',
        )
        .optional(),
      sideStream: field
        .section(
          {
            enabled: field.flag('Publish a record for each error.').optional(),
            addr: field.text('Address of the nats server: nats://host:port.').optional(),
            errorTopics: field
              .text('Subjects for errors, as stream.subject; several are separated by commas.')
              .optional(),
          },
          'Where errors of functions are published.',
        )
        .optional(),
      messageStore: field
        .section(
          {
            enabled: field
              .flag('Keep messages that are too big for nats in S3; asked for by each function.')
              .optional(),
            topics: field.text('The bucket.').optional(),
            user: user.optional(),
            password: password.optional(),
            secret: secret.optional(),
            addr: field.text('Address of the S3 server: host:port.').optional(),
            maxPayloadSize: field
              .count('Bytes above which a message goes to S3; left out: what the nats server allows.')
              .optional(),
            image: image.optional(),
            imagePullPolicy: imagePullPolicy.optional(),
          },
          'S3 in place of nats for big messages.',
        )
        .optional(),
      devStore: field
        .section(
          {
            enabled: field.flag('Let each function be run by itself, by objects put into S3.').optional(),
            image: image.optional(),
            imagePullPolicy: imagePullPolicy.optional(),
            user: user.optional(),
            password: password.optional(),
            secret: secret.optional(),
            topics: field.text('The bucket.').optional(),
            addr: field.text('Address of the S3 server: host:port.').optional(),
          },
          'Step by step runs.',
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
            maxMsgs: field.count('Messages an output stream holds; 100000 by default.').optional(),
            maxBytes: field.count('Bytes an output stream holds; 1073741824 (1 GiB) by default.').optional(),
            replicas: field.count('Copies of an output stream in a nats cluster; 1 by default.').optional(),
            onDelete: field
              .oneOf(
                ['keep', 'delete'],
                'Whether the records stay (the default) when the manifest of the stream is removed.',
              )
              .optional(),
          },
          "Limits of a function's output stream; full, it makes its function wait and discards nothing.",
        )
        .optional(),
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
    type: field.oneOf(functionTypeNames, 'What the function is.'),
    format: field.oneOf(['list'], 'fs-source: one record for each object of the bucket.').optional(),
    addr: field.text('Address of the server a source reads or a sink writes: host:port.').optional(),
    topics: field.text('What a source reads or a sink writes, as s3a://bucket/prefix.').optional(),
    user: user.optional(),
    password: password.optional(),
    secret: secret.optional(),
    image: image.optional(),
    imagePullPolicy: imagePullPolicy.optional(),
    groupId: field.text('Name of the consumer group, unique in the topology.').optional(),
    parallelism: field.replicas('Replicas; left out: those of the topology.').optional(),
    partitionBy: field.text('Field that partitions the records.').optional(),
    schema: avro(
      'Avro schema: of what a source or process emits, of what a sink reads. A process without one passes on the schema of its input.',
    ).optional(),
    out: functionIds('Ids of the functions that read the output.').optional(),
    sideOuts: field.list(sideOutput, 'Secondary outputs.').optional(),
    globalConfig: globalConfig("Settings of this function, over the topology's globalConfig.").optional(),
    meta: field.openSection(metaShape(), "KFlow's settings of the function, and the user's own keys.").optional(),
  },
  'A function of the dag.',
);

const error = 'a list of at least one function';

export const documentSchema = field.section(
  {
    runtime: field.oneOf(['flow'], 'The basic runtime.').optional(),
    namespace: field.text("The flow's Kubernetes namespace.").optional(),
    jobId: field.text("The flow's name in its namespace; left out: the file's name.").optional(),
    mode: field
      .oneOf(Object.values(Mode) as [Mode, ...Mode[]], 'batch ends, stream (the default) does not.')
      .optional(),
    parallelism: field.replicas('Replicas of a function that does not say otherwise; 1 by default.').optional(),
    globalConfig: globalConfig('Settings of all functions.').optional(),
    dag: z.array(flowFunction, { error }).min(1, { error }).describe('The functions of the flow.'),
  },
  'A KFlow topology.',
);
