import { quote } from '../problem/show-value';
import type { TopicsRule } from './function-type-descriptor';

/** The `topics` of a function that writes an index, an alias or a data stream of a search server. */
export const indexTopics: TopicsRule = {
  purpose: 'the index to write into',
  example: 'orders',
  fault: (topics) => {
    const isName = /^[^-_+A-Z\s\\/*?"<>|,#:][^A-Z\s\\/*?"<>|,#:]*$/.test(topics) && !/^\.{1,2}$/.test(topics);
    if (isName && Buffer.byteLength(topics) <= 255) return undefined;
    return `must be the name of an index: lower-case, at most 255 bytes, without spaces and \\ / * ? " < > | , # :, and without -, _ or + at its start; got ${quote(topics)}`;
  },
};

/** The `topics` of a function that publishes on a subject of NATS. */
export const subjectTopics: TopicsRule = {
  purpose: 'the subject to publish on',
  example: 'orders.placed',
  fault: (topics) => {
    if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(topics)) {
      return `must be one subject, without wildcards, spaces and empty parts; got ${quote(topics)}`;
    }
    if (!/^(\$|_INBOX\.|kflow\.)/.test(topics)) return undefined;
    return `must not be a subject of NATS ("$…", "_INBOX.…") or of KFlow ("kflow.…"), got ${quote(topics)}`;
  },
};
