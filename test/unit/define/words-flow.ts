import { avro } from '../../../lib/define/avro';
import { defineFlow } from '../../../lib/define/flow-definition';

const line = avro.record('line', { key: avro.string, text: avro.string });
const word = avro.record('word', { key: avro.string, word: avro.string, size: avro.enum('size', ['short', 'long']) });
const empty = avro.record('empty', { key: avro.string, at: avro.long });

/** Splits lines into words and logs them. Lines without a word go to a side output, which is logged, too. */
export const flow = defineFlow({ jobId: 'words', namespace: 'demo' });

const lines = flow.rawSource('lines', {
  writes: line,
  meta: { rate: 10 },
  *run() {
    yield { key: 'a', text: 'one longer' };
    yield { key: 'b', text: '' };
  },
});

const split = flow.process('split', {
  from: lines,
  reads: line,
  writes: word,
  sideOuts: { empty },
  parallelism: 2,
  meta: { limit: 4 },
  run: (ctx, { key, text }) => {
    const limit = Number(ctx.meta.limit);
    const words = text.split(' ').filter((each) => each !== '');
    if (words.length === 0) ctx.toSideStream('empty', { key, at: 0 });
    return words.map((each) => ({ key, word: each, size: each.length > limit ? 'long' : 'short' }));
  },
});

flow.process('log', {
  from: [split, split.side.empty],
  reads: avro.record('keyed', { key: avro.string }),
  run: (ctx, event) => ctx.logger.info(event.key),
});
