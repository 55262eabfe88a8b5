// All faults of the emulated Azure: the meaning, members and a working example of each. Their effects are implemented
// where they are looked up.
import { endpoints, methods } from '../request-info.ts';
import { amount, type Fields, oneOf, optional, pairs, someOf, text, texts, truth, type Values } from './field.ts';

/** Members that every fault may have. */
export const limits = {
  times: optional(amount('It befalls so many and is over.', 1)),
  for: optional(amount('It is over after so many ms.')),
  chance: optional(amount('It befalls each with this probability, drawn from the seed of the emulator.', 0, 1)),
};

export type Limits = Values<typeof limits>;

export interface Knob<F extends Fields = Fields> {
  readonly meaning: string;
  readonly fields: F;
  readonly example: Values<F> & Limits;
}

function knob<const F extends Fields>(meaning: string, fields: F, example: Values<F> & Limits): Knob<F> {
  return { meaning, fields, example };
}

/** Selects registries; default: all. Names are case-insensitive. */
const registries = {
  subscriptionId: optional(text('Only in this subscription.')),
  resourceGroup: optional(text('Only in this resource group.')),
  registry: optional(text('Only registries of this name, and what is in them.')),
};

/** Selects replicas. */
const replicas = { ...registries, location: optional(text('Only at this location.')) };

/** Selects requests. */
const requests = {
  ...registries,
  replica: optional(text('Only requests about the replica of this ARM name.')),
  methods: optional(someOf('Only these methods.', methods)),
  endpoints: optional(someOf('Only these; all but token where left out.', endpoints)),
};

const scope = optional(
  text('The ARM id of a subscription, group, registry or replica; all in it inherits. All of Azure where left out.'),
);
const when = optional(
  oneOf('Whether the request is carried out before: "before" (default) or "after" that.', ['before', 'after']),
);
const failure = {
  code: optional(text("The failure's code.")),
  message: optional(text("The failure's words.")),
};

export const knobs = {
  // Transport.
  latency: knob(
    'Answers take longer.',
    {
      ...requests,
      ms: amount('So many ms, or the least of them.'),
      most: optional(amount('The most, in ms: each request draws its own.')),
    },
    { ms: 200, most: 2000, registry: 'myACR0007' },
  ),
  reset: knob(
    'The connection is reset instead of an answer.',
    { ...requests, when },
    { when: 'after', methods: ['PUT'], times: 1 },
  ),
  hang: knob(
    'No answer comes, and the connection stays open.',
    { ...requests, when },
    { endpoints: ['replica'], times: 2 },
  ),
  malformed: knob(
    'The body of the answer is not what was to be sent.',
    {
      ...requests,
      how: oneOf(
        'half: half of it; cut: half of it, then the connection is reset; stall: half of it, then nothing more; gzipHalf: gzip that ends early; gzipCut: half of a gzip body, then the connection is reset; large: many blanks before it; bomb: the same as gzip, a thousandth on the wire; empty: nothing; html: a page of some gateway; strange: JSON of another shape.',
        ['half', 'cut', 'stall', 'gzipHalf', 'gzipCut', 'large', 'bomb', 'empty', 'html', 'strange'],
      ),
      bytes: optional(amount('large and bomb: so many blanks, unpacked; 64 MiB where left out.', 1, 2 ** 31)),
    },
    { how: 'html', endpoints: ['replicas'], chance: 0.5 },
  ),
  stalledHandshake: knob(
    'New connections are accepted, and their TLS handshake is never answered.',
    {},
    { times: 3, chance: 0.2 },
  ),
  // Error responses.
  throttled: knob(
    'Requests are answered 429, SubscriptionRequestsThrottled.',
    { ...requests, retryAfter: optional(amount('What Retry-After says, in s; no such header where left out.')) },
    { retryAfter: 17, methods: ['GET'], for: 60_000 },
  ),
  error: knob(
    'Requests are answered with an error.',
    {
      ...requests,
      when,
      status: amount('The HTTP status.', 400, 599),
      ...failure,
      html: optional(truth("A gateway's HTML page in place of ARM's envelope of code and message.")),
      retryAfter: optional(amount('What Retry-After says, in s.')),
    },
    { status: 503, times: 3 },
  ),
  busy: knob(
    'Writes are answered 409, since another operation is going on.',
    { ...registries, replica: optional(text('Only writes to this replica.')) },
    { registry: 'myACR0007', for: 30_000 },
  ),
  // Rights, locks and policies.
  forbidden: knob(
    'The right to perform actions is missing: 403, AuthorizationFailed.',
    { actions: texts('As Microsoft.ContainerRegistry/registries/replications/write; * stands for anything.'), scope },
    { actions: ['Microsoft.ContainerRegistry/locations/operationResults/read'] },
  ),
  lock: knob(
    'A resource lock: 409, ScopeLocked.',
    { level: oneOf('What is forbidden: to delete, or to change at all.', ['CanNotDelete', 'ReadOnly']), scope },
    { level: 'CanNotDelete' },
  ),
  policyDeny: knob(
    'An Azure Policy forbids creations and changes: 403, RequestDisallowedByPolicy.',
    { scope, locations: optional(texts('Only at these locations.')) },
    { locations: ['japaneast'] },
  ),
  policyTags: knob(
    'An Azure Policy (effect modify) puts tags on whatever is written.',
    { scope, tags: pairs('They win over those that were sent.') },
    { tags: { costCenter: '4711' } },
  ),
  withdrawnRegion: knob(
    'A region takes nothing new: 400, LocationNotAvailableForResourceType.',
    { location: text('Which.') },
    { location: 'japaneast' },
  ),
  // Outcome of ACR's work.
  failedCreation: knob('Creations end as Failed.', { ...replicas, ...failure }, { location: 'japaneast', times: 2 }),
  stuckCreation: knob('Creations never end. Deleting such a replica is the remedy, and is let through.', replicas, {
    location: 'japaneast',
    times: 1,
  }),
  vanishingCreation: knob(
    'Replicas vanish at the end of their creation, as those do for which a private endpoint has no address left.',
    { ...replicas, ...failure },
    { location: 'japaneast', times: 1 },
  ),
  failedRecreation: knob(
    'Creations fail where a replica has just been deleted.',
    { ...replicas, ms: amount('How long after the deletion.'), ...failure },
    { ms: 30_000 },
  ),
  failedUpdate: knob(
    'Changes of routing end as Failed.',
    { ...replicas, ...failure },
    { location: 'japaneast', times: 1 },
  ),
  healing: knob('A Failed replica is Ready after the next PATCH or PUT; without this it fails again.', replicas, {}),
  lateHomeEntry: knob(
    "ACR takes longer to make the home region's entry, counted from the first creation.",
    { ...registries, ms: amount('How long.') },
    { ms: 600_000 },
  ),
  // Inconsistent reads.
  staleList: knob('LIST tells what was so.', { ...registries, ms: amount('How long ago.') }, { ms: 60_000 }),
  foreignNextLink: knob(
    'LIST names a next page at another origin.',
    { ...registries, origin: text('Its scheme, host and port.') },
    { origin: 'https://127.0.0.1:1', times: 1 },
  ),
  omission: knob('LIST leaves replicas out.', replicas, { location: 'japaneast', chance: 0.5 }),
  lateCreation: knob(
    'GET of a new replica answers 404 at first.',
    { ...replicas, ms: amount('How long after the PUT.') },
    { ms: 20_000 },
  ),
  lateDeletion: knob(
    'GET of a deleted replica answers as before the DELETE at first.',
    { ...replicas, ms: amount('How long after the DELETE.') },
    { ms: 20_000 },
  ),
} as const satisfies Readonly<Record<string, unknown>>;
