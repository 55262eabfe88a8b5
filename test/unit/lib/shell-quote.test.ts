import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Registry } from '../../../src/azure/arm.ts';
import { toArmError } from '../../../src/azure/errors.ts';
import { shellQuote } from '../../../src/lib/shell-quote.ts';
import { planFor } from '../../../src/replication/plan.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anObject, aRegistry, now, observing } from '../replication/fixtures.ts';

/** Every machine has `sh`; the others are tested if they are installed. */
const shells = ['/bin/sh', '/bin/bash', '/bin/zsh'].filter((path) => existsSync(path));

describe('shellQuote', () => {
  it('leaves a plain word unquoted', () => {
    for (const word of ['myacr0007', '/subscriptions/0/resourceGroups/my-rg', 'a.b/c=d', '--all'])
      expect(shellQuote(word)).to.equal(word);
  });

  it('quotes a word that a shell would interpret', () => {
    expect(shellQuote('.(e-pwned-)')).to.equal("'.(e-pwned-)'");
    expect(shellQuote("it's")).to.equal("'it'\\''s'");
    expect(shellQuote('')).to.equal("''");
    expect(shellQuote('=ls')).to.equal("'=ls'");
  });

  for (const shell of shells)
    it(`round-trips through ${shell}`, () => {
      const special = fc.constantFrom(...'.(e-pwned-)$`\'"\\!*?[]{}~=#&|;<> \t\n^%@,:');
      const word = fc.oneof(
        fc.string({ unit: special, maxLength: 20 }),
        fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '').toWellFormed()),
      );
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 50 }), (words) => {
          expect(parsedBy(shell, `printf '%s\\0' ${words.map(shellQuote).join(' ')}`)).to.deep.equal(words);
        }),
        propertyRuns(100),
      );
    });
});

describe('a command in a message', () => {
  const name = 'myACR0007';
  const resourceGroup = '.(e-pwned-)'; // valid in ARM; unquoted, zsh runs `pwned`
  const object = anObject({ spec: { registry: { ...anObject().spec.registry, resourceGroup } } });

  function obstacle(registry: Registry | undefined): string {
    const seen = { ...observing([]), registry };
    return planFor(object, seen, now, { maxParallelActions: 4 }).obstacle?.message ?? '';
  }

  it('quotes the names of a missing registry', () => {
    expect(commandIn(obstacle(undefined))).to.deep.equal(
      `acr create --name ${name} --resource-group ${resourceGroup} --sku Premium --subscription ${object.spec.registry.subscriptionId}`.split(
        ' ',
      ),
    );
  });

  it('quotes the names of a registry that is not ready', () => {
    expect(commandIn(obstacle(aRegistry({ provisioningState: 'Failed' })))).to.include(resourceGroup);
  });

  it('quotes a scope from Azure', () => {
    const scope = `/subscriptions/0/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${name}`;
    const words = `The client 'C' with object id 'O' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/replications/write' over scope '${scope}' or the scope is invalid.`;
    const command = commandIn(toArmError(refusal(words)).message.replace(/ \(Azure demands.*/, ''));
    expect(command.slice(-2)).to.deep.equal(['--scope', scope]);
    expect(command).to.include('PRINCIPAL_ID');
  });
});

function refusal(message: string): RestError {
  const request = createPipelineRequest({ url: 'https://management.azure.com/' });
  const bodyAsText = JSON.stringify({ error: { code: 'AuthorizationFailed', message } });
  const response = { status: 403, request, headers: createHttpHeaders(), bodyAsText };
  return new RestError('HTTP 403', { statusCode: 403, response });
}

/** The arguments of the `az` command at the end of a message, as a shell parses them. */
function commandIn(message: string): string[] {
  return parsedBy('/bin/sh', `az() { printf '%s\\0' "$@"; }; ${message.slice(message.indexOf('az '))}`);
}

function parsedBy(shell: string, script: string): string[] {
  return execFileSync(shell, ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}
