import { defineCommand } from '../../frame/command';
import { controllerDetails, flowOptions, functionsOption, jobArgument } from '../../frame/shared-options';
import {
  choiceArgument,
  durationMs,
  flag,
  instant,
  natsUrls,
  option,
  positiveNumber,
  text,
  wholeNumber,
  withDefault,
} from '../../frame/values';
import { letterActions } from './letter-action';

const action = choiceArgument(letterActions, { name: 'action', description: 'what to do with them' });
const heading = 'Which letters:';

export const dlq = defineCommand({
  name: 'dlq',
  summary: 'inspect the dead letters of a flow, process them again, or discard them',
  details: `redrive makes the function that failed process its letters again, and only that
function; outputs that are stored already are not stored again. It takes the
letters that exist now: LETTERs by number, those that meet the conditions, or
--all. --dry-run counts them first. discard moves letters aside; restore brings
them back for 14 days.

The letters are those of the controller. With --nats-url, they are read and
changed in the streams, for flows that run without a controller; so are those of
kflow run in this folder.

${controllerDetails}`,
  arguments: {
    job: jobArgument,
    action: {
      ...action,
      arity: 'optional',
      read: (texts: readonly string[]) => (texts.length === 0 ? 'groups' : action.read(texts)),
    },
    letters: {
      name: 'letter',
      description: 'number of a letter, or the id of a redrive to cancel',
      arity: 'any',
      read: (texts: readonly string[]) => texts,
    },
  },
  options: {
    function: functionsOption,
    error: option('<class>', 'class of the error, as in ValueError', { parse: text, heading }),
    reason: option('<reason>', 'exception, exited, crashed, "timed out" or "too large"', { parse: text, heading }),
    place: option('<place>', 'where the code raised the error, as the groups show it', { parse: text, heading }),
    since: option('<time>', 'letters since then: 2026-01-31T08:00:00Z, or as long ago as 2h', {
      parse: instant,
      heading,
    }),
    until: option('<time>', 'letters until then', { parse: instant, heading }),
    all: flag('all letters up to now', { heading }),
    discarded: flag('the discarded letters (groups, list, show, export, restore)', { heading }),
    raw: flag('show: write the message itself, as it is encoded'),
    dryRun: flag('only count the letters'),
    rate: option('<number>', 'redrive so many letters a second', { parse: positiveNumber }),
    wait: flag('wait until a redrive has ended, and show its progress'),
    timeout: option('<duration>', 'stop waiting after this long, as in 90s or 5m', { parse: durationMs() }),
    limit: withDefault(option('<letters>', 'letters of a list', { parse: wholeNumber(1) }), 100),
    comment: option('<text>', 'reason, for the audit log', { parse: text }),
    natsUrl: option('<url>', 'work on the streams of this NATS, without a controller', { parse: natsUrls }),
    natsCredentials: option('<folder>', 'folder of credential files of --nats-url', { parse: text }),
    s3Url: option('<url>', 'with --nats-url: object store of large records; AWS_* variables or a profile log in', {
      parse: text,
    }),
    ...flowOptions,
  },
  async run(input, context) {
    const { runDlq } = await import('./run-dlq.js');
    return runDlq(input, context);
  },
});
