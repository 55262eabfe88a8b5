import { expect } from 'chai';
import { type Arm, ArmError } from '../../../src/azure/arm.ts';
import { createBudget } from '../../../src/azure/budget.ts';
import { paced } from '../../../src/azure/pacing.ts';
import type { Operation } from '../../../src/azure/shares.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'myresourcegroup',
  name: 'myACR0007',
};
const replica = { name: 'japaneast', location: 'japaneast', routing: true, tags: {} };

/** An ARM that takes everything and notes what it was asked. */
function anArm() {
  const asked: string[] = [];
  const arm: Arm = {
    registry: async () => {
      asked.push('GET registry');
      return { id: registry.name, location: 'eastus', sku: 'Premium' };
    },
    replicas: async () => {
      asked.push('LIST');
      return [replica];
    },
    replica: async (_, name) => {
      asked.push(`GET ${name}`);
      return replica;
    },
    create: async (_, name) => {
      asked.push(`PUT ${name}`);
      return { replica };
    },
    update: async (_, name) => {
      asked.push(`PATCH ${name}`);
      return replica;
    },
    failure: async () => undefined,
    locations: async () => {
      asked.push('GET locations');
      return ['japaneast'];
    },
    remove: async (_, name) => void asked.push(`DELETE ${name}`),
  };
  return { arm, asked };
}

async function every(arm: Arm): Promise<(string | number)[]> {
  const answers = await Promise.allSettled([
    arm.registry(registry),
    arm.replicas(registry),
    arm.replica(registry, 'japaneast'),
    arm.create(registry, 'japaneast', replica),
    arm.update(registry, 'japaneast', { routing: true }),
    arm.remove(registry, 'japaneast'),
    arm.locations(registry.subscriptionId),
  ]);
  return answers.map((answer) => {
    if (answer.status === 'fulfilled') return 'sent';
    expect(answer.reason).to.be.instanceOf(ArmError).and.to.include({ kind: 'Throttled', unsent: true });
    return (answer.reason as ArmError).retryAfter ?? 0;
  });
}

describe('requests within the budget', () => {
  it('are sent while there are tokens', async () => {
    const { arm, asked } = anArm();
    const budget = createBudget({ now: () => 0 });
    expect(await every(paced(arm, budget, { who: 'object', urgency: 'edit' }))).to.deep.equal(Array(7).fill('sent'));
    expect(asked).to.deep.equal([
      'GET registry',
      'LIST',
      'GET japaneast',
      'PUT japaneast',
      'PATCH japaneast',
      'DELETE japaneast',
      'GET locations',
    ]);
  });

  const costs: readonly [Operation, readonly number[]][] = [
    ['reads', [0, 1, 2, 6]],
    ['writes', [3, 4]],
    ['deletes', [5]],
  ];
  for (const [operation, which] of costs)
    it(`are not sent where the bucket of ${operation} is paused: those, and no others`, async () => {
      const { arm, asked } = anArm();
      const budget = createBudget({ now: () => 0 });
      budget.sent(registry.subscriptionId, operation)({ retryAfter: 10_000 });
      const answers = await every(paced(arm, budget, { who: 'object', urgency: 'edit' }));
      for (const [n, answer] of answers.entries())
        if (which.includes(n)) expect(answer).to.be.greaterThan(10_000);
        else expect(answer).to.equal('sent');
      expect(asked.length).to.equal(7 - which.length);
    });

  it('give their tokens back, whether they went well or not', async () => {
    const { arm } = anArm();
    const failing: Arm = { ...arm, registry: () => Promise.reject(new Error('no answer')) };
    const budget = createBudget({ now: () => 0 });
    for (let n = 0; n < 100; n++) {
      const one = paced(failing, budget, { who: 'object', urgency: 'edit' });
      expect(await one.registry(registry).catch((error) => String(error))).to.equal('Error: no answer');
    }
  });
});
