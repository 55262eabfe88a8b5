// All faults of the emulated Azure: the meaning, members and a working example of each. Their effects are implemented
// where they are looked up.
import { endpoints, methods } from '../request-info.ts';
import {
  boolean,
  type Fields,
  listOf,
  numeric,
  oneOf,
  optional,
  text,
  textList,
  textMap,
  type Values,
} from './field.ts';

/** Members that every fault may have. */
export const limits = {
  times: optional(numeric('It ends after it has applied this many times.', 1)),
  for: optional(numeric('It ends after this many ms.')),
  chance: optional(numeric('It applies with this probability, drawn from the seed of the emulator.', 0, 1)),
};

export type Limits = Values<typeof limits>;

export interface FaultDefinition<F extends Fields = Fields> {
  readonly meaning: string;
  readonly fields: F;
  readonly example: Values<F> & Limits;
}

function define<const F extends Fields>(meaning: string, fields: F, example: Values<F> & Limits): FaultDefinition<F> {
  return { meaning, fields, example };
}

/** Selects registries; default: all. Names are case-insensitive. */
const registries = {
  subscriptionId: optional(text('Only in this subscription.')),
  resourceGroup: optional(text('Only in this resource group.')),
  registry: optional(text('Only registries of this name, and their replicas.')),
};

/** Selects replicas. */
const replicas = { ...registries, location: optional(text('Only at this location.')) };

/** Selects requests. */
const requests = {
  ...registries,
  replica: optional(text('Only requests for the replica of this ARM name.')),
  methods: optional(listOf('Only these methods.', methods)),
  endpoints: optional(listOf('Only these; default: all but token.', endpoints)),
};

const scope = optional(
  text('The ARM id of a subscription, group, registry or replica, and everything in it; default: all of Azure.'),
);
const when = optional(
  oneOf('Whether the fault strikes "before" (default) or "after" the request is carried out.', ['before', 'after']),
);
const failure = {
  code: optional(text("The failure's code.")),
  message: optional(text("The failure's message.")),
};

export const faultCatalog = {
  // Transport.
  latency: define(
    'Answers take longer.',
    {
      ...requests,
      ms: numeric('The latency in ms, or its lower bound.'),
      most: optional(numeric('Its upper bound in ms: each request draws its own.')),
    },
    { ms: 200, most: 2000, registry: 'myACR0007' },
  ),
  reset: define(
    'The connection is reset and no answer is sent.',
    { ...requests, when },
    { when: 'after', methods: ['PUT'], times: 1 },
  ),
  hang: define(
    'No answer is sent, and the connection stays open.',
    { ...requests, when },
    { endpoints: ['replica'], times: 2 },
  ),
  malformed: define(
    'The body of the answer is malformed.',
    {
      ...requests,
      how: oneOf(
        'half: half of it; cut: half of it, then the connection is reset; stall: half of it, then nothing more; gzipHalf: gzip that ends early; gzipCut: half of a gzip body, then the connection is reset; large: many blanks before it; bomb: the same in gzip, a thousandth of the size; empty: nothing; html: the page of a gateway; strange: JSON of another shape.',
        ['half', 'cut', 'stall', 'gzipHalf', 'gzipCut', 'large', 'bomb', 'empty', 'html', 'strange'],
      ),
      bytes: optional(numeric('large and bomb: the number of blanks, unpacked; default: 64 MiB.', 1, 2 ** 31)),
    },
    { how: 'html', endpoints: ['replicas'], chance: 0.5 },
  ),
  stalledHandshake: define(
    'New connections are accepted, and their TLS handshake is never answered.',
    {},
    { times: 3, chance: 0.2 },
  ),
  // Error responses.
  throttled: define(
    'Requests are answered 429, SubscriptionRequestsThrottled.',
    { ...requests, retryAfter: optional(numeric('The Retry-After header in s; no header if left out.')) },
    { retryAfter: 17, methods: ['GET'], for: 60_000 },
  ),
  error: define(
    'Requests are answered with an error.',
    {
      ...requests,
      when,
      status: numeric('The HTTP status.', 400, 599),
      ...failure,
      html: optional(boolean("A gateway's HTML page in place of ARM's envelope of code and message.")),
      retryAfter: optional(numeric('The Retry-After header in s.')),
    },
    { status: 503, times: 3 },
  ),
  busy: define(
    'Writes are answered 409, as if another operation were running.',
    { ...registries, replica: optional(text('Only writes to this replica.')) },
    { registry: 'myACR0007', for: 30_000 },
  ),
  crowded: define(
    'Creations, changes and deletions of replicas are answered 409 while enough replicas of the registry are in motion.',
    { ...registries, most: numeric('How many may be in motion.', 0) },
    { registry: 'myACR0007', most: 3 },
  ),
  // Rights, locks and policies.
  forbidden: define(
    'The client may not perform these actions: 403, AuthorizationFailed.',
    {
      actions: textList('As Microsoft.ContainerRegistry/registries/replications/write; * stands for anything.'),
      scope,
    },
    { actions: ['Microsoft.ContainerRegistry/locations/operationResults/read'] },
  ),
  lock: define(
    'A resource lock: 409, ScopeLocked.',
    { level: oneOf('Forbids deletion, or any change.', ['CanNotDelete', 'ReadOnly']), scope },
    { level: 'CanNotDelete' },
  ),
  policyDeny: define(
    'An Azure Policy forbids creations and changes: 403, RequestDisallowedByPolicy.',
    { scope, locations: optional(textList('Only at these locations.')) },
    { locations: ['japaneast'] },
  ),
  policyTags: define(
    'An Azure Policy (effect modify) adds tags to everything written.',
    { scope, tags: textMap('They override those in the request.') },
    { tags: { costCenter: '4711' } },
  ),
  withdrawnRegion: define(
    'A region accepts no new resources: 400, LocationNotAvailableForResourceType.',
    { location: text('The region.') },
    { location: 'japaneast' },
  ),
  // Outcome of ACR's work.
  failedCreation: define('Creations end as Failed.', { ...replicas, ...failure }, { location: 'japaneast', times: 2 }),
  stuckCreation: define('Creations never end. Such a replica can be deleted.', replicas, {
    location: 'japaneast',
    times: 1,
  }),
  vanishingCreation: define(
    'Replicas vanish at the end of their creation, as if a private endpoint had no free address.',
    { ...replicas, ...failure },
    { location: 'japaneast', times: 1 },
  ),
  failedRecreation: define(
    'Creations fail soon after a deletion at the same location.',
    { ...replicas, ms: numeric('ms after the deletion.'), ...failure },
    { ms: 30_000 },
  ),
  failedUpdate: define(
    'Changes of routing end as Failed.',
    { ...replicas, ...failure },
    { location: 'japaneast', times: 1 },
  ),
  healing: define('A Failed replica is Ready after the next PATCH or PUT; without this it fails again.', replicas, {}),
  lateHomeEntry: define(
    "ACR takes longer to make the home region's entry, counted from the first creation.",
    { ...registries, ms: numeric('ms.') },
    { ms: 600_000 },
  ),
  // Inconsistent reads.
  staleList: define('LIST shows an earlier state.', { ...registries, ms: numeric('ms ago.') }, { ms: 60_000 }),
  foreignNextLink: define(
    'The nextLink of LIST points to another origin.',
    { ...registries, origin: text('Its scheme, host and port.') },
    { origin: 'https://127.0.0.1:1', times: 1 },
  ),
  omission: define('LIST leaves out replicas.', replicas, { location: 'japaneast', chance: 0.5 }),
  lateCreation: define(
    'GET of a new replica answers 404 at first.',
    { ...replicas, ms: numeric('ms after the PUT.') },
    { ms: 20_000 },
  ),
  lateDeletion: define(
    'GET of a deleted replica shows its state before the DELETE at first.',
    { ...replicas, ms: numeric('ms after the DELETE.') },
    { ms: 20_000 },
  ),
} as const satisfies Readonly<Record<string, unknown>>;
