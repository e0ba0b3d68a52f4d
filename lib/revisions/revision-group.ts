import { StateError } from '../errors';

/** Drafts can be changed; released revisions cannot; disabled ones are not executed by new requests for the latest one. */
export const revisionStates = ['Draft', 'Released', 'Disabled'] as const;
type RevisionState = (typeof revisionStates)[number];

/** Characters of a tag, which stands after the colon of GROUP:TAG. */
export const maxTagLength = 20;

/** A revision in the list of its group. Times are ISO 8601. */
export interface RevisionEntry {
  /** A UUID. */
  readonly id: string;
  readonly tag: string;
  readonly name: string;
  readonly category: string;
  readonly state: RevisionState;
  /** Of its document. */
  readonly digest: string;
  /** Of what a release fixes. */
  readonly fixed: string;
  readonly publishedAt: string;
  readonly releasedAt?: string;
  readonly disabledAt?: string;
  /** Who changed it last, and why. */
  readonly by: string;
  readonly comment?: string;
}

/** The revisions of one component. */
export interface RevisionGroup {
  /** A UUID. */
  readonly id: string;
  readonly name: string;
  readonly revisions: readonly RevisionEntry[];
}

type Published = Omit<RevisionEntry, 'id' | 'state' | 'releasedAt' | 'disabledAt'> & { readonly id?: string };

/** What happened to a revision that was published. */
export interface Publication {
  readonly outcome: 'created' | 'updated' | 'unchanged';
  readonly entry: RevisionEntry;
  readonly group: RevisionGroup;
}

/**
 * The group with a revision as a draft. A revision with this id, or without an id with this tag, is replaced; a released one
 * only when nothing differs that its release has fixed. Throws StateError `state-invalid` otherwise, and for a tag of another
 * revision.
 */
export function publishIn(group: RevisionGroup, { id, ...given }: Published & { readonly newId: string }): Publication {
  const { newId, ...content } = given;
  const tagged = group.revisions.find(({ tag }) => tag === content.tag);
  const known = id === undefined ? tagged : group.revisions.find((each) => each.id === id);
  if (tagged !== undefined && tagged !== known) {
    const message = `${group.name}:${content.tag} is the revision ${tagged.id}; publish with another tag, or without an id`;
    throw new StateError('state-invalid', message, { where: tagged.id });
  }
  if (known === undefined) {
    const entry: RevisionEntry = { id: id ?? newId, state: 'Draft', ...content };
    return { outcome: 'created', entry, group: { ...group, revisions: [...group.revisions, entry] } };
  }
  if (known.digest === content.digest && known.tag === content.tag)
    return { outcome: 'unchanged', entry: known, group };
  if (known.state !== 'Draft' && (known.fixed !== content.fixed || known.tag !== content.tag)) {
    const message = `${group.name}:${known.tag} (${known.id}) is ${known.state}, and only its documentation and test wiring can change; publish it with another tag`;
    throw new StateError('state-invalid', message, { where: known.id });
  }
  const entry = { ...known, ...content };
  return { outcome: 'updated', entry, group: replaced(group, entry) };
}

/** The group with a draft released. The time is after every other release: the latest one is the one released last. */
export function releaseIn(group: RevisionGroup, id: string, change: Change): RevisionGroup {
  const entry = entryOf(group, id);
  if (entry.state === 'Released') return group;
  assertState(entry, 'Draft', 'release');
  const last = Math.max(0, ...group.revisions.map(({ releasedAt }) => Date.parse(releasedAt ?? '') || 0));
  const releasedAt = new Date(Math.max(Date.parse(change.at), last + 1)).toISOString();
  return replaced(group, { ...withWho(entry, change), state: 'Released', releasedAt });
}

/** The group with a released revision disabled. */
export function disableIn(group: RevisionGroup, id: string, change: Change): RevisionGroup {
  const entry = entryOf(group, id);
  if (entry.state === 'Disabled') return group;
  assertState(entry, 'Released', 'disable');
  return replaced(group, { ...withWho(entry, change), state: 'Disabled', disabledAt: change.at });
}

/** The group without a draft. */
export function removeFrom(group: RevisionGroup, id: string): RevisionGroup {
  assertState(entryOf(group, id), 'Draft', 'delete');
  return { ...group, revisions: group.revisions.filter((each) => each.id !== id) };
}

/** The revision that was released last, of those that are not disabled. */
export function latestOf({ revisions }: RevisionGroup): RevisionEntry | undefined {
  const released = revisions.filter(({ state }) => state === 'Released');
  return released.reduce<RevisionEntry | undefined>(
    (latest, each) =>
      Date.parse(each.releasedAt ?? '') > Date.parse(latest?.releasedAt ?? '1970-01-01') ? each : latest,
    undefined,
  );
}

/** Who requests a change, and when. */
export interface Change {
  readonly at: string;
  readonly by: string;
  readonly comment?: string;
}

function withWho({ comment: _, ...entry }: RevisionEntry, { by, comment }: Change): RevisionEntry {
  return { ...entry, by, ...(comment === undefined ? {} : { comment }) };
}

function replaced(group: RevisionGroup, entry: RevisionEntry): RevisionGroup {
  return { ...group, revisions: group.revisions.map((each) => (each.id === entry.id ? entry : each)) };
}

function entryOf({ name, revisions }: RevisionGroup, id: string): RevisionEntry {
  const entry = revisions.find((each) => each.id === id);
  if (entry === undefined) throw new StateError('revision-missing', `${name} has no revision ${id}`, { where: id });
  return entry;
}

/** What a state allows instead. */
const remedies: { readonly [S in RevisionState]: string } = {
  Draft: 'release it first',
  Released: 'disable it, so that requests for the latest revision pass over it',
  Disabled: 'publish it with another tag',
};

function assertState({ id, tag, state }: RevisionEntry, wanted: RevisionState, action: string): void {
  if (state === wanted) return;
  const message = `cannot ${action} ${tag} (${id}), which is ${state}; ${remedies[state]}`;
  throw new StateError('state-invalid', message, { where: id });
}
