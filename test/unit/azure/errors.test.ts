import { readFile } from 'node:fs/promises';
import { RestError } from '@azure/core-rest-pipeline';
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError, type ArmErrorKind, type ArmErrorReason } from '../../../src/azure/arm.ts';
import { toArmError } from '../../../src/azure/errors.ts';
import { actionsOfOwnRole, ownRole } from '../../../src/azure/refusal-details.ts';
import { armSays, named, refused } from './thrown-errors.ts';

const registryId =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007';

describe('toArmError', () => {
  describe('distinguishes', () => {
    const table: [string, unknown, ArmErrorKind, ArmErrorReason][] = [
      [
        // Recorded: azure-service-operator Test_ContainerRegistry_Registry_20230701_CRUD, 2025-11-18.
        'a replica that is not there',
        armSays(
          404,
          'ResourceNotFound',
          "The Resource 'Microsoft.ContainerRegistry/registries/R/replications/N' under resource group 'G' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
          { 'x-ms-failure-cause': 'gateway' },
        ),
        'NotFound',
        'NotFound',
      ],
      [
        'a resource group that is not there',
        armSays(404, 'ResourceGroupNotFound', "Resource group 'G' could not be found."),
        'NotFound',
        'NotFound',
      ],
      [
        'a registry that is not there, told by its child',
        armSays(
          404,
          'ParentResourceNotFound',
          "Can not perform requested operation on nested resource. Parent resource 'exampleserver' not found.",
        ),
        'NotFound',
        'NotFound',
      ],
      ['a 404 without a code, which is not "gone"', refused(404, ''), 'Transient', 'AzureUnreachable'],
      ['a 404 of something in between', refused(404, '<html>not here</html>'), 'Transient', 'AzureUnreachable'],
      ['a 404 with another code', armSays(404, 'NotFound', 'no'), 'Transient', 'AzureUnreachable'],
      [
        'an unknown subscription, which is not "gone" either',
        armSays(404, 'SubscriptionNotFound', "The subscription '0' could not be found."),
        'Denied',
        'SubscriptionNotFound',
      ],
      [
        'a malformed subscription',
        armSays(400, 'InvalidSubscriptionId', "The provided subscription identifier 'x' is malformed or invalid."),
        'Denied',
        'SubscriptionNotFound',
      ],
      [
        'a disabled subscription',
        armSays(
          409,
          'ReadOnlyDisabledSubscription',
          "The subscription '0' is disabled and therefore marked as read only.",
        ),
        'Denied',
        'SubscriptionNotFound',
      ],
      [
        'a token that has ended, of which the next request brings a new one',
        armSays(
          401,
          'ExpiredAuthenticationToken',
          'The access token expiry UTC time is earlier than current UTC time.',
        ),
        'Transient',
        'AzureUnreachable',
      ],
      [
        'a token that ARM does not take',
        armSays(401, 'InvalidAuthenticationToken', 'The access token is invalid.'),
        'Denied',
        'AuthenticationFailed',
      ],
      ['a missing right', armSays(403, 'AuthorizationFailed', 'no'), 'Denied', 'AuthorizationFailed'],
      [
        'a missing right on something linked',
        armSays(403, 'LinkedAuthorizationFailed', 'no'),
        'Denied',
        'AuthorizationFailed',
      ],
      ['a 403 with a code of its own', armSays(403, 'Forbidden', 'no'), 'Denied', 'AuthorizationFailed'],
      [
        'a policy',
        armSays(
          403,
          'RequestDisallowedByPolicy',
          `Resource 'N' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"regions","id":"/x"}}]'.`,
        ),
        'Denied',
        'PolicyDenied',
      ],
      [
        'a lock (trap 23)',
        armSays(
          409,
          'ScopeLocked',
          `The scope '${registryId}/replications/N' cannot perform delete operation because following scope(s) are locked: '${registryId}'. Please remove the lock and try again.`,
        ),
        'Denied',
        'Locked',
      ],
      [
        'a name taken in another location',
        armSays(
          409,
          'InvalidResourceLocation',
          "The resource 'N' already exists in location 'eastus' in resource group 'G'.",
        ),
        'Conflict',
        'Conflict',
      ],
      ['a busy registry (trap 13)', armSays(409, 'AnotherOperationInProgress', 'busy'), 'Conflict', 'Conflict'],
      [
        'an operation that its words tell of',
        armSays(409, 'X', 'The registry is being updated. Please retry.'),
        'Conflict',
        'Conflict',
      ],
      [
        'a conflict without a code, which something in between may have said',
        refused(409, ''),
        'Transient',
        'AzureUnreachable',
      ],
      [
        'a resource group on its way out, which is no running operation',
        armSays(
          409,
          'ResourceGroupBeingDeleted',
          "The resource group 'G' is in deprovisioning state and cannot perform this operation.",
        ),
        'Denied',
        'ResourceGroupDeleting',
      ],
      [
        'a used up quota with the status of a conflict',
        armSays(409, 'SubscriptionIsOverQuotaForSku', 'This region has quota of 0 instances for your subscription.'),
        'Denied',
        'QuotaExceeded',
      ],
      ['a used up quota with another status', armSays(400, 'QuotaExceeded', 'no'), 'Denied', 'QuotaExceeded'],
      [
        'any other refusal with the status of a conflict',
        armSays(409, 'SoftDeleteEnabled', 'no'),
        'Invalid',
        'InvalidRequest',
      ],
      ['a failed precondition', armSays(412, 'PreconditionFailed', 'no'), 'Conflict', 'Conflict'],
      ['a locked resource (423)', armSays(423, 'Locked', 'no'), 'Conflict', 'Conflict'],
      [
        'throttling',
        armSays(
          429,
          'SubscriptionRequestsThrottled',
          "Number of 'read' requests for subscription 'S' actor 'O' exceeded. Please try again after '10' seconds.",
        ),
        'Throttled',
        'Throttled',
      ],
      ['throttling without a body', refused(429, ''), 'Throttled', 'Throttled'],
      [
        'a region that does not exist',
        armSays(
          400,
          'LocationNotAvailableForResourceType',
          "The provided location 'x' is not available for resource type 'Microsoft.ContainerRegistry/registries/replications'. List of available regions for the resource type is 'eastus,westus'.",
        ),
        'Invalid',
        'RegionNotAvailable',
      ],
      [
        'a location that no provider serves',
        armSays(400, 'NoRegisteredProviderFound', "No registered resource provider found for location 'x'"),
        'Invalid',
        'RegionNotAvailable',
      ],
      [
        'a provider that is not registered, which waiting does not mend',
        armSays(409, 'MissingSubscriptionRegistration', 'The subscription is not registered'),
        'Invalid',
        'InvalidRequest',
      ],
      ['another refusal', armSays(400, 'InvalidParameter', 'no'), 'Invalid', 'InvalidRequest'],
      ['a timeout of ARM', refused(408, ''), 'Transient', 'AzureUnreachable'],
      ['a failure of ARM', armSays(500, 'InternalServerError', 'oops'), 'Transient', 'AzureUnreachable'],
      ['a gateway', refused(503, '<html>'), 'Transient', 'AzureUnreachable'],
      ['a redirection', refused(302, ''), 'Transient', 'AzureUnreachable'],
      [
        'an answer that is no JSON',
        new RestError('Error "SyntaxError" occurred', { code: 'PARSE_ERROR', statusCode: 200 }),
        'Transient',
        'AzureUnreachable',
      ],
      ['a refused connection', new RestError('connect', { code: 'ECONNREFUSED' }), 'Transient', 'AzureUnreachable'],
      ['an abort', named('AbortError', 'The operation was aborted.'), 'Transient', 'AzureUnreachable'],
      [
        'a wrong secret',
        named(
          'AuthenticationError',
          'EnvironmentCredential authentication failed. Status code: 400\nMore details:\ninvalid_client: AADSTS7000215: Invalid client secret provided.',
          { statusCode: 400 },
        ),
        'Denied',
        'AuthenticationFailed',
      ],
      [
        'a chain in which nothing is set up',
        named('AggregateAuthenticationError', 'ChainedTokenCredential authentication failed.', {
          errors: [
            named('CredentialUnavailableError', 'EnvironmentCredential is unavailable.'),
            named(
              'CredentialUnavailableError',
              'ManagedIdentityCredential: Authentication failed. Message network_error',
            ),
          ],
        }),
        'Denied',
        'AuthenticationFailed',
      ],
      [
        'a token endpoint that cannot be reached',
        named(
          'AuthenticationError',
          'EnvironmentCredential authentication failed. Status code: 400\nMore details:\nendpoints_resolution_error: See https://aka.ms/x',
          { statusCode: 400 },
        ),
        'Transient',
        'AzureUnreachable',
      ],
      [
        'a token endpoint that cannot be reached by one of a chain',
        named('AggregateAuthenticationError', 'ChainedTokenCredential authentication failed.', {
          errors: [
            named('CredentialUnavailableError', 'EnvironmentCredential is unavailable.'),
            named('AuthenticationRequiredError', 'network_error: Network request failed'),
          ],
        }),
        'Transient',
        'AzureUnreachable',
      ],
    ];
    for (const [what, error, kind, reason] of table)
      it(`${what}: ${kind}, ${reason}`, () => {
        const { kind: k, reason: r } = toArmError(error);
        expect([k, r]).to.deep.equal([kind, reason]);
      });
  });

  it('keeps an ArmError as it is', () => {
    const error = new ArmError('Conflict', 'Conflict', 'later');
    expect(toArmError(error, 'something else')).to.equal(error);
  });

  it("keeps ARM's own code and the cause", () => {
    const thrown = armSays(409, 'ScopeLocked', 'locked');
    const error = toArmError(thrown);
    expect(error.code).to.equal('ScopeLocked');
    expect(error.cause).to.equal(thrown);
  });

  it('says what was requested, and where', () => {
    const { message } = toArmError(armSays(409, 'Busy', 'an operation runs'), 'create the replica');
    expect(message).to.equal(
      'another operation is running in Azure: cannot create the replica yet (Busy: an operation runs)',
    );
  });

  it('names the missing right, its scope, and the command that grants it', () => {
    const { message } = toArmError(
      armSays(
        403,
        'AuthorizationFailed',
        `The client '33333333-3333-3333-3333-333333333333' with object id '44444444-4444-4444-4444-444444444444' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/replications/write' over scope '${registryId}/replications/japaneast' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      ),
      'create the replica',
    );
    expect(message).to.contain(
      "the operator's identity has no right to create the replica. Grant it the operator's role (deploy/azure-role.json), or Contributor: az role",
    );
    expect(message).to.contain(
      `Azure demands Microsoft.ContainerRegistry/registries/replications/write on ${registryId}/replications/japaneast;`,
    );
    expect(message).to.contain(
      `az role assignment create --assignee-object-id 44444444-4444-4444-4444-444444444444 --assignee-principal-type ServicePrincipal --role 'ACR Replication Operator' --scope ${registryId}`,
    );
  });

  it('names the right that is missing on a linked resource, not the one that exists (trap 22)', () => {
    const endpoint =
      '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/net/providers/Microsoft.Network/privateEndpoints/pe1';
    const { message } = toArmError(
      armSays(
        403,
        'LinkedAuthorizationFailed',
        `The client '33333333-3333-3333-3333-333333333333' with object id '44444444-4444-4444-4444-444444444444' has permission to perform action 'Microsoft.ContainerRegistry/registries/replications/write' on scope '${registryId}/replications/japaneast'; however, it does not have permission to perform action(s) 'Microsoft.Network/privateEndpoints/privateLinkServiceProxies/write' on the linked scope(s) '${endpoint}' (respectively) or the linked scope(s) are invalid.`,
      ),
      'create the replica',
    );
    expect(message).to.contain(
      "the operator's identity has no right to create the replica. Grant it Contributor: az role assignment create",
    );
    expect(message).to.contain(
      `--role Contributor --scope ${endpoint} (Azure demands Microsoft.Network/privateEndpoints/privateLinkServiceProxies/write on ${endpoint};`,
    );
  });

  it("shows only similar names of ARM's list of regions", () => {
    const others = Array.from({ length: 40 }, (_, n) => `region${n}`).join(',');
    const words = `The provided location 'japaneest' is not available for resource type 'Microsoft.ContainerRegistry/registries/replications'. List of available regions for the resource type is 'eastus,japaneast,${others}'.`;
    const { message } = toArmError(armSays(400, 'LocationNotAvailableForResourceType', words), 'create the replica');
    expect(message).to.equal(
      "the region does not exist or offers no container registries: cannot create the replica; did you mean japaneast? Correct it in spec.regions (LocationNotAvailableForResourceType: The provided location 'japaneest' is not available for resource type 'Microsoft.ContainerRegistry/registries/replications'.)",
    );
  });

  it('does not confuse an API version with a region, and reads a truncated list', () => {
    const others = Array.from({ length: 200 }, (_, n) => `region${n}`).join(', ');
    const words = `No registered resource provider found for location 'japaneest' and API version '2025-11-01' for type 'registries/replications'. The supported api-versions are '2023-07-01, 2025-11-01'. The supported locations are 'japaneast, ${others}'.`;
    const { message } = toArmError(armSays(400, 'NoRegisteredProviderFound', words), 'create replica japaneest');
    expect(message).to.match(
      /container registries: cannot create replica japaneest; did you mean japaneast\? Correct it in spec\.regions \(.*'\.\)$/,
    );
    expect(message).not.to.match(/2023-07-01|region1/);
  });

  describe('for a supported location with an unsupported API version', () => {
    const versions = Array.from({ length: 14 }, (_, n) => `20${10 + n}-01-01`);
    const locations = Array.from({ length: 120 }, (_, n) => `Region Number ${n}`).join(', ');
    const wordsFor = (location: string, supported: readonly string[]) =>
      `No registered resource provider found for location '${location}' and API version '2025-11-01' for type 'registries/replications'. The supported api-versions are '${supported.join(', ')}'. The supported locations are '${locations}, China East 2'.`;
    const errorFor = (location: string, supported: readonly string[] = versions) =>
      toArmError(armSays(400, 'NoRegisteredProviderFound', wordsFor(location, supported)), 'create replica chinaeast2');

    it('names the version, the supported ones, and the variable to set', () => {
      const { kind, reason, message } = errorFor('chinaeast2');
      expect([kind, reason]).to.deep.equal(['Invalid', 'ApiVersionNotSupported']);
      expect(message).to.match(
        /^Azure does not offer API version 2025-11-01 there: cannot create replica chinaeast2\. Set AZURE_CONTAINER_REGISTRY_API_VERSION of the operator to one of 2023-01-01, 2022-01-01, .*2014-01-01, and 4 older ones \(/,
      );
      expect(message).not.to.contain('did you mean');
    });

    it('says the same if Azure names no location', () => {
      expect(errorFor('').reason).to.equal('ApiVersionNotSupported');
    });

    it('reports an unsupported location first', () => {
      const { reason, message } = errorFor('chinaeast22');
      expect(reason).to.equal('RegionNotAvailable');
      expect(message).to.contain('did you mean chinaeast2?');
    });

    it('suggests no other region if location and version are both supported', () => {
      const { reason, message } = errorFor('chinaeast2', ['2025-11-01']);
      expect(reason).to.equal('RegionNotAvailable');
      expect(message).not.to.contain('did you mean');
    });
  });

  describe('names the lock and how to remove it', () => {
    const subscription = '/subscriptions/00000000-0000-0000-0000-000000000000';
    const group = `${subscription}/resourceGroups/myresourcegroup`;
    const cases: [string, string, string][] = [
      [registryId, ' on myACR0007', `--resource ${registryId}`],
      [
        group,
        ' on resource group myresourcegroup',
        `--resource-group myresourcegroup --subscription ${subscription.slice(15)}`,
      ],
      [subscription, ' on the subscription', `--subscription ${subscription.slice(15)}`],
    ];
    for (const [scope, where, which] of cases)
      it(`of ${scope}`, () => {
        const said = `The scope '${registryId}/replications/N' cannot perform delete operation because following scope(s) are locked: '${scope}'. Please remove the lock and try again.`;
        const { message } = toArmError(armSays(409, 'ScopeLocked', said), 'delete replica N');
        expect(message).to.equal(
          `a resource lock${where} is in the way: cannot delete replica N. Find it with az lock list ${which} and remove it with az lock delete, or change the spec (ScopeLocked: ${said})`,
        );
      });

    it('where Azure does not say what is locked', () => {
      const { message } = toArmError(armSays(409, 'ScopeLocked', 'Locked.'), 'delete replica N');
      expect(message).to.match(/^a resource lock is in the way: .* with az lock list and remove it/);
    });
  });

  it("names the operator's role for exactly the actions that it grants", async () => {
    const { Name, Actions } = JSON.parse(await readFile('deploy/azure-role.json', 'utf8'));
    expect(Name).to.equal(ownRole);
    for (const action of Actions) expect(action).to.match(actionsOfOwnRole);
    expect('Microsoft.ContainerRegistry/registries/write').not.to.match(actionsOfOwnRole);
  });

  it('names the policy', () => {
    const words = `Resource 'N' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"Allowed locations","id":"/x"}}]'.`;
    const { message } = toArmError(armSays(403, 'RequestDisallowedByPolicy', words), 'create replica N');
    expect(message).to.match(/^denied by Azure Policy "Allowed locations": cannot create replica N\. Change the spec/);
  });

  it('builds no command from unsafe text', () => {
    const { message } = toArmError(
      armSays(
        403,
        'AuthorizationFailed',
        "The client 'x' with object id 'y' does not have authorization to perform action 'a/b' over scope '/subscriptions/$(reboot)' or the scope is invalid.",
      ),
    );
    expect(message).not.to.contain('az role');
  });

  it('says what to set if there is no credential', () => {
    const unavailable = named('CredentialUnavailableError', 'EnvironmentCredential is unavailable.');
    const { message } = toArmError(named('AggregateAuthenticationError', 'failed', { errors: [unavailable] }));
    expect(message).to.contain('Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET');
  });

  it('distinguishes a refused managed identity from a missing one', () => {
    const unavailable = (message: string) => named('CredentialUnavailableError', message);
    const of = (words: string) =>
      toArmError(
        named('AggregateAuthenticationError', 'ChainedTokenCredential authentication failed.', {
          errors: [unavailable('EnvironmentCredential is unavailable.'), unavailable(words)],
        }),
        'read registry myACR0007',
      );
    const refused = of(
      'ManagedIdentityCredential: Authentication failed. Message invalid_request: Error(s): Not Available - Timestamp: Not Available - Description: Identity not found - Correlation ID: Not Available - Trace ID: Not Available',
    );
    expect(refused).to.include({
      reason: 'AuthenticationFailed',
      message:
        'no valid Azure credential: cannot read registry myACR0007. Renew or correct it (ManagedIdentityCredential: Authentication failed. Message invalid_request: Identity not found)',
    });
    for (const nowhere of [
      'Attempted to use the IMDS endpoint, but it is not available.',
      'ManagedIdentityCredential: Network unreachable. Message: network_error: See https://aka.ms/msal.js.errors#network_error for details',
      'ManagedIdentityCredential: Authentication failed. Message client_error: Error(s): Not Available - Timestamp: Not Available - Description: A client error occured.',
    ])
      expect(of(nowhere).message, nowhere).to.contain('no valid Azure credential');
  });

  it("shows Entra's reason without the libraries' additions", () => {
    const { message } = toArmError(
      named(
        'AuthenticationError',
        'EnvironmentCredential authentication failed. To troubleshoot, visit https://aka.ms/azsdk/js/identity/environmentcredential/troubleshoot. Status code: 400\nMore details:\ninvalid_client: Error(s): 7000215 - Timestamp: Not Available - Description: AADSTS7000215: Invalid client secret provided. Trace ID: 5d0b4d1e-0000-0000-0000-3cefa50a58cc Correlation ID: 5d0b4d1e-0000-0000-0000-3cefa50a58cc Timestamp: 2026-01-01 00:00:00Z - Correlation ID: 5d0b4d1e-0000-0000-0000-3cefa50a58cc - Trace ID: 5d0b4d1e-0000-0000-0000-3cefa50a58cc,',
        { statusCode: 400 },
      ),
      'read registry myACR0007',
    );
    expect(message).to.equal(
      'no valid Azure credential: cannot read registry myACR0007. Renew or correct it (EnvironmentCredential authentication failed: invalid_client: AADSTS7000215: Invalid client secret provided)',
    );
  });

  it("omits the parts of Entra's message that differ between attempts", () => {
    const attempt = (id: string, time: string) =>
      toArmError(
        named(
          'AuthenticationError',
          `AADSTS7000215: Invalid client secret provided. Trace ID: ${id} Correlation ID: ${id} Timestamp: ${time}`,
        ),
      ).message;
    const first = attempt('5d0b4d1e-0000-0000-0000-3cefa50a58cc', '2026-11-22 01:02:03Z');
    expect(first).to.equal(attempt('9a1c4d1e-1111-1111-1111-3cefa50a58cc', '2026-11-22 01:12:09Z'));
    expect(first).to.contain('Invalid client secret provided');
  });

  describe('when throttled', () => {
    const waits = (headers: Record<string, string>) =>
      toArmError(armSays(429, 'TooManyRequests', 'slow', headers)).retryAfter;

    it('waits for the seconds in Retry-After', () => expect(waits({ 'Retry-After': '17' })).to.equal(17_000));
    it('waits 10 s without a Retry-After', () => expect(waits({})).to.equal(10_000));
    it('waits 10 s if Retry-After is invalid', () => expect(waits({ 'Retry-After': 'soon' })).to.equal(10_000));
    it('waits at least a second', () => expect(waits({ 'Retry-After': '0' })).to.equal(1_000));
    it('waits at most a day', () => expect(waits({ 'Retry-After': '9'.repeat(30) })).to.equal(86_400_000));
    it('takes the longest of several numbers, up to an hour', () => {
      expect(waits({ 'Retry-After': '3600, 5' })).to.equal(3_600_000);
      expect(waits({ 'Retry-After': '5, 30' })).to.equal(30_000);
      expect(waits({ 'Retry-After': '86400, 5' })).to.equal(3_600_000);
    });
    for (const nonsense of ['-1', '1e9', '2027-01-01', '5, soon', ','])
      it(`waits 10 s for Retry-After ${nonsense}`, () => expect(waits({ 'Retry-After': nonsense })).to.equal(10_000));
    it('waits at most an hour for a date', () => {
      const headers = { Date: 'Sun, 22 Nov 2026 01:00:00 GMT', 'Retry-After': 'Fri, 31 Dec 9999 00:00:00 GMT' };
      expect(waits(headers)).to.equal(3_600_000);
    });
    it('waits 10 s for a date if the response has no Date', () =>
      expect(waits({ 'Retry-After': 'Sun, 22 Nov 2026 01:00:30 GMT' })).to.equal(10_000));
    it("measures a date against the response's own Date", () => {
      const headers = { Date: 'Sun, 22 Nov 2026 01:00:00 GMT', 'Retry-After': 'Sun, 22 Nov 2026 01:00:30 GMT' };
      expect(waits(headers)).to.equal(30_000);
    });
    it('waits a second for a date that has passed', () => {
      const headers = { Date: 'Sun, 22 Nov 2026 01:00:00 GMT', 'Retry-After': 'Sun, 22 Nov 2026 00:59:30 GMT' };
      expect(waits(headers)).to.equal(1_000);
    });
    it('has a constant message', () => {
      const message = (seconds: number) =>
        toArmError(armSays(429, 'Slow', `Exceeded. Please try again after '${seconds}' seconds.`)).message;
      expect(message(3)).to.equal(message(17));
    });
  });

  describe('after a failure of ARM', () => {
    const waits = (status: number, after: string) =>
      toArmError(armSays(status, 'ServerBusy', 'busy', { 'Retry-After': after })).retryAfter;

    for (const status of [408, 500, 502, 503, 504])
      it(`waits for its Retry-After: ${status}`, () => expect(waits(status, '120')).to.equal(120_000));
    it('waits at most an hour', () => expect(waits(503, '86400')).to.equal(3_600_000));
    it('has no retryAfter without a Retry-After', () => {
      expect(toArmError(armSays(503, 'ServerBusy', 'busy')).retryAfter).to.equal(undefined);
      expect(waits(503, 'soon')).to.equal(undefined);
    });
  });

  describe("attributes a response without ARM's envelope to a proxy", () => {
    const pages: [string, unknown][] = [
      ['a page', '<html><head><title>Blocked</title></head><body>Access <b>denied</b></body></html>'],
      ['nothing', ''],
      ['other JSON', { message: 'forbidden' }],
      ['an envelope without a code', { error: { message: 'forbidden' } }],
      ['half an envelope', '{"error":{"code":"AuthorizationFailed","mess'],
    ];
    for (const [what, body] of pages)
      for (const status of [302, 400, 401, 403, 404, 407, 409, 412, 423, 500, 503])
        it(`${status} with ${what}`, () => {
          const error = toArmError(refused(status, body), 'delete replica japaneast of registry myACR0007');
          expect(error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
          expect(error.message)
            .to.contain("without Azure's error format, as from a proxy")
            .and.to.contain(`HTTP ${status}`)
            .and.not.to.match(/<|Contributor/);
        });
    it('shows the text of an HTML page', () =>
      expect(toArmError(refused(403, pages[0]?.[1])).message).to.contain('Blocked Access denied'));
    it('respects the Retry-After of a 429', () =>
      expect(toArmError(refused(429, '<html>', { 'Retry-After': '17' }))).to.include({
        kind: 'Throttled',
        retryAfter: 17_000,
      }));
  });

  it('turns any thrown value into one bounded line (trap 29)', () => {
    const answer = fc
      .record({ status: fc.integer({ min: 100, max: 999 }), code: fc.anything(), message: fc.anything() })
      .map(({ status, code, message }) => refused(status, { error: { code, message } }));
    const text = fc.record({ status: fc.integer({ min: 300, max: 599 }), body: fc.string({ unit: 'binary' }) });
    const thrown = fc.oneof(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      answer,
      text.map(({ status, body }) => refused(status, body)),
      fc.string({ unit: 'binary' }).map((message) => named('AuthenticationError', message)),
      fc
        .string({ unit: 'binary', minLength: 3_000, maxLength: 9_000, size: 'max' })
        .map((message) => armSays(409, 'Busy', message)),
    );
    fc.assert(
      fc.property(thrown, fc.string({ unit: 'binary' }), (error, doing) => {
        const { message, retryAfter, kind } = toArmError(error, doing);
        expect(message.length).to.be.within(1, 2_048);
        expect(message).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(message.isWellFormed()).to.equal(true);
        if (kind === 'Throttled') expect(retryAfter).to.be.within(1_000, 86_400_000);
      }),
    );
  });
});
