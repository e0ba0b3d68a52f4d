import { languageNames } from '../../../lib/topology/document/language';
import { printed, readFixture } from './topology-fixtures';

/** The complete text that users see: a change here changes the product. */
describe('problem messages', () => {
  test('state the fault, the value and the fix for every problem of a document at once', () => {
    expect(printed(readFixture('broken', 'many.yaml'))).toEqual([
      '20:8  jobId  must be lower-case letters, digits and single dashes, with a letter or digit at both ends; got "Etl_Job"; for example "etl-job"',
      '21:7  mode  must be one of batch, stream, got "bacth"; did you mean "batch"?',
      '22:14  parallelism  must be a positive integer, got 0',
      '26:15  globalConfig.store.password  must be text, got a number; write it in quotes',
      '27:3  globalConfig.sideStream  sideStream is enabled without addr, the destination of errors',
      '29:18  globalConfig.sideStream.errorTopics  must be stream.subject, or several separated by commas; got "errors"; the part before the first dot is the stream',
      '31:5  dag[0]  an fs-source needs a format; add "format: list"',
      '33:13  dag[0].topics  must be s3a://bucket or s3a://bucket/prefix, got "docs"',
      '34:11  dag[0].out[0]  no function has the id "mapp"; did you mean "map"?',
      '37:5  dag[1].paralelism  unknown key "paralelism"; did you mean "parallelism"?',
      '43:35  dag[1].schema  field key: unknown type "strng"; did you mean "string"?',
      '47:7  dag[1].meta.rates  warning: "rates" is treated as your own key; did you mean "rate"?',
      '48:7  dag[1].meta.code  meta.code needs meta.name, the name of the function to call',
      '55:11  dag[2].out[0]  cycle: map -> enrich -> map; remove one of the edges',
      '57:11  dag[3].type  unknown type "raww"; did you mean "raw"?',
      '59:29  dag[3].meta.max.poll.interval.ms  warning: 5000 ms is short: below 11000 ms, a slow record may be stopped and count as failed',
      '63:5  dag[4].out  an s3-sink has no output; remove "out", or replace the sink by a raw',
      '63:11  dag[4].out[0]  "list" is a source, and sources have no input; reverse the edge',
    ]);
  });

  test('state the expected kind of value and how to write it', () => {
    expect(printed(readFixture('broken', 'wrong-kinds.yaml'))).toEqual([
      '28:8  jobId  must be text, got 12; write it in quotes: "12"',
      '29:7  mode  must be one of batch, stream, got "bacth"; did you mean "batch"?',
      '30:14  parallelism  must be a positive integer, got "two"',
      '31:10  runtime  must be "flow", got "spark"',
      '34:11  globalConfig.store.addr  must be text, got 9000; write it in quotes: "9000"',
      '35:15  globalConfig.store.password  must be text, got a number; write it in quotes',
      '36:19  globalConfig.store.autoDownload  must be true or false, got "yes"; write true without quotes',
      '38:11  globalConfig.metrics.port  must be a port, 1 to 65535, got 70000',
      '39:11  globalConfig.stream  must be a map, got 5',
      '42:11  dag[0].type  unknown type "raw-src"; did you mean "raw-source"?',
      '43:13  dag[0].format  must be one of list, json, avro, parquet, got "csv"',
      '44:13  dag[0].topics  must be text, got a list',
      '45:18  dag[0].parallelism  must be a positive integer, got 1.5',
      '46:22  dag[0].imagePullPolicy  must be one of Always, IfNotPresent, Never, got "always"; did you mean "Always"?',
      '47:10  dag[0].out  must be a list, got "map"; write it as a list: [map]',
      '50:5  dag[1].image  warning: kflow run does not run images: a raw without meta.code or meta.module passes records through unchanged',
      '50:12  dag[1].image  must be text, got 1.10; write it in quotes: "1.10"',
      '51:18  dag[1].parallelism  must be a positive integer, got 0',
      '52:13  dag[1].schema  must be an Avro schema: JSON text, or a map, got 5',
      '53:11  dag[1].out[0]  must be text, got 7; write it in quotes: "7"',
      '55:19  dag[1].meta.checkpoint  must be true or false, got "true"; write true without quotes',
      '56:13  dag[1].meta.rate  must be a number above 0, got -1',
      `57:17  dag[1].meta.language  must be one of ${languageNames.join(', ')}, got "pyton"; did you mean "python"?`,
      '58:29  dag[1].meta.max.poll.interval.ms  must be a positive integer, got "120000"; write it without quotes',
      '59:19  dag[1].meta.maxDeliver  must be a positive integer, got 0',
      '63:20  dag[1].meta.container.env[0].value  must be text, got a number; write it in quotes',
      '64:5  dag[2]  must be a map, got "just text"',
    ]);
  });

  test('point to the invalid part of an Avro schema and name its field', () => {
    expect(printed(readFixture('broken', 'schemas.yaml'))).toEqual([
      '20:13  dag[0].schema  an fs-source emits s3list records (url, lastModifiedUnixMilli, bucket, key), which do not fit this schema: path: the writer has no such field, and the reader has no default; remove the schema',
      '32:40  dag[1].schema  not JSON: expected a key in double quotes, got "}"',
      '43:33  dag[2].schema  field x: unknown type "strng"; did you mean "string"?',
      '46:48  dag[2].schema  field address.zip: unknown type "number"',
      '47:61  dag[2].schema  field address.city: the default null is not of type string',
      '55:13  dag[3].schema  the schema must be a record',
      '63:53  dag[4].schema.fields[0].type.items  field tags[]: unknown type "txt"',
      '64:11  dag[4].schema.fields[1]  field tags: the record has this field twice',
      '65:11  dag[4].schema.fields[2]  field a-b: the name "a-b" must consist of letters, digits and underscores, and must not begin with a digit',
      '66:11  dag[4].schema.fields[3]  a field needs a "name"',
      '70:13  dag[5].schema  must be an Avro schema: JSON text, or a map, got a list',
      '71:5  dag[6]  a raw-source needs the Avro schema of its records; add "schema"',
      '73:5  dag[6].image  warning: kflow run does not run images: a raw-source without meta.code or meta.module cannot run',
    ]);
  });

  test("name the fields of a writer that the reader's schema does not accept", () => {
    expect(printed(readFixture('broken', 'schema-conflicts.yaml'))).toEqual([
      '12:25  dag[0].out[2]  warning: records of "list" do not fit the schema of "leaf" (line 48), which matters if it returns its input: url: the writer has string, the reader long',
      '12:31  dag[0].out[3]  records of "list" do not fit the schema of "direct" (line 53): size: the writer has no such field, and the reader has no default; change one of the two schemas',
      '16:11  dag[1].out[0]  records of "list" do not fit the schema of "narrow" (line 32): size: the writer has no such field, and the reader has no default; kind: the writer has no such field, and the reader has no default; owner: the writer has no such field, and the reader has no default; also parts; change one of the two schemas',
      '28:11  dag[2].out[0]  records of "shaped" do not fit the schema of "narrow" (line 32): size: the writer has long, the reader int; kind: the writer\'s enum has LINK, which the reader\'s lacks without a default; owner: the writer has null or string, the reader string, which cannot read null; also parts[].n; change one of the two schemas',
      '28:19  dag[2].out[1]  warning: the schema of "placeholder" (line 43) has no field of "shaped"; the sink takes it for a placeholder and gets the records as written',
    ]);
  });

  test('suggest the intended key, or the section that the key belongs to', () => {
    expect(printed(readFixture('broken', 'unknown-keys.yaml'))).toEqual([
      '11:1  paralelism  unknown key "paralelism"; did you mean "parallelism"?',
      '12:1  autoDownload  unknown key "autoDownload"; it belongs in globalConfig.store',
      '13:1  metrics  unknown key "metrics"; it belongs in globalConfig',
      '14:1  unknwon  unknown key "unknwon"; known here: runtime, namespace, jobId, mode, parallelism, run, globalConfig, dag, tests',
      '16:3  globalConfig.sideStreem  unknown key "sideStreem"; did you mean "sideStream"?',
      '23:5  dag[0].code  unknown key "code"; it belongs in meta of the function',
      '26:5  dag[1].image  warning: kflow run does not run images: a raw without meta.code or meta.module passes records through unchanged',
      '27:5  dag[1].flavour  unknown key "flavour"',
      '30:9  dag[1].sideOuts[0].shcema  unknown key "shcema"; did you mean "schema"?',
    ]);
  });

  test('name the field that cannot be a key, and where a key has no effect', () => {
    expect(printed(readFixture('broken', 'partitions.yaml'))).toEqual([
      '14:18  dag[0].partitionBy  records of "orders" have no field "custmer"; did you mean "customer"?',
      '19:18  dag[1].partitionBy  the field "items" of "orders" has an array, map or record, which cannot be a key; name a field with a single value',
      '20:18  dag[1].parallelism  warning: records with keys (partitionBy) have 16 partitions, so 4 of 20 replicas will be idle',
      '28:18  dag[2].partitionBy  warning: "partitionBy" has no effect: an s3-sink emits no records',
      '32:18  dag[3].partitionBy  warning: "partitionBy" has no effect: nobody reads the output',
    ]);
  });

  test('warn about unsupported features and describe the actual behavior', () => {
    expect(printed(readFixture('broken', 'not-run-yet.yaml'))).toEqual([
      '19:5  dag[0].type  warning: in batch mode, a raw-source runs until its function returns None, and the flow does not end before',
      '20:5  dag[0].image  warning: kflow run does not run images: a raw-source without meta.code or meta.module cannot run',
      '26:5  dag[1].image  warning: kflow run does not run images: a raw without meta.code or meta.module passes records through unchanged',
    ]);
  });
});
