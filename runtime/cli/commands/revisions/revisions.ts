import { defineCommand, defineFamily } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { acceptedChangeOptions, controllerDetails, readOptions } from '../../frame/shared-options';
import { argument, choiceOption, flag, option, text } from '../../frame/values';

const revisionArgument = { name: 'revision', description: 'UUID, GROUP:TAG, or GROUP for the latest' } as const;

const list = defineCommand({
  name: 'list',
  summary: 'list revisions by group and time of publication',
  details: controllerDetails,
  options: {
    group: option('<group>', 'name or UUID', { parse: text }),
    state: choiceOption(['Draft', 'Released', 'Disabled'], 'in this state', { placeholder: '<state>' }),
    all: flag('of all namespaces', { short: '-A' }),
    ...readOptions,
  },
  async run(options) {
    return (await import('./read-revisions.js')).listRevisions(options);
  },
});

const show = defineCommand({
  name: 'show',
  summary: 'show a revision with its inputs, outputs and document',
  details: controllerDetails,
  arguments: { revision: argument(revisionArgument) },
  options: readOptions,
  async run(options) {
    return (await import('./read-revisions.js')).showRevision(options);
  },
});

const diff = defineCommand({
  name: 'diff',
  summary: 'compare the documents of two revisions',
  details: `Exits with ${ExitStatus.Differs} when they differ.

${controllerDetails}`,
  arguments: {
    from: argument({ ...revisionArgument, name: 'from' }),
    to: argument({ ...revisionArgument, name: 'to' }),
  },
  options: readOptions,
  async run(options) {
    return (await import('./read-revisions.js')).diffRevisions(options);
  },
});

const release = defineCommand({
  name: 'release',
  summary: 'release a draft: it cannot change, and is the latest of its group',
  details: controllerDetails,
  arguments: { revision: argument(revisionArgument) },
  options: acceptedChangeOptions,
  async run(options) {
    return (await import('./change-revision.js')).changeRevision('release', options);
  },
});

const disable = defineCommand({
  name: 'disable',
  summary: 'disable a released revision: it is no longer the latest of its group',
  details: controllerDetails,
  arguments: { revision: argument(revisionArgument) },
  options: acceptedChangeOptions,
  async run(options) {
    return (await import('./change-revision.js')).changeRevision('disable', options);
  },
});

const remove = defineCommand({
  name: 'delete',
  summary: 'delete a draft',
  details: controllerDetails,
  arguments: { revision: argument(revisionArgument) },
  options: acceptedChangeOptions,
  async run(options) {
    return (await import('./change-revision.js')).deleteRevision(options);
  },
});

export const revisions = defineFamily({
  name: 'revisions',
  summary: 'list, show, compare, release and disable published components',
  commands: [list, show, diff, release, disable, remove],
});
