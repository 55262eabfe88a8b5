import { expect } from 'chai';
import { type Arm, ArmError } from '../../../../src/azure/arm.ts';
import type { Operation } from '../../../../src/azure/rate-limit/limits.ts';
import { type Caller, RateLimiter } from '../../../../src/azure/rate-limit/rate-limiter.ts';
import { withRateLimit } from '../../../../src/azure/rate-limit/with-rate-limit.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'myresourcegroup',
  name: 'myACR0007',
};
const caller: Caller = { id: 'object', priority: 'user' };
const replica = { name: 'japaneast', location: 'japaneast', routing: true, tags: {} };

/** An ARM that accepts everything and records the requests. */
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
      return { replica };
    },
    failure: async () => undefined,
    locations: async () => {
      asked.push('GET locations');
      return [{ name: 'japaneast' }];
    },
    remove: async (_, name) => {
      asked.push(`DELETE ${name}`);
      return {};
    },
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
    expect(answer.reason).to.be.instanceOf(ArmError).and.to.include({ kind: 'NotSent', reason: 'Throttled' });
    return (answer.reason as ArmError).retryAfter ?? 0;
  });
}

describe('an Arm with a rate limit', () => {
  it('sends requests while there are tokens', async () => {
    const { arm, asked } = anArm();
    const limiter = new RateLimiter({ now: () => 0 });
    expect(await every(withRateLimit(arm, limiter, caller))).to.deep.equal(Array(7).fill('sent'));
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
    it(`sends no ${operation} while their bucket is paused, and everything else`, async () => {
      const { arm, asked } = anArm();
      const limiter = new RateLimiter({ now: () => 0 });
      limiter.send(registry.subscriptionId, operation)({ retryAfterMs: 10_000 });
      const answers = await every(withRateLimit(arm, limiter, caller));
      for (const [n, answer] of answers.entries())
        if (which.includes(n)) expect(answer).to.be.greaterThan(10_000);
        else expect(answer).to.equal('sent');
      expect(asked.length).to.equal(7 - which.length);
    });

  it('rejects every later request of that kind in the pass', async () => {
    let time = 0;
    const held: string[] = [];
    const limiter = new RateLimiter({
      now: () => time,
      onHeld: (operation, priority) => held.push(`${operation} ${priority}`),
    });
    limiter.send(registry.subscriptionId, 'reads')({ retryAfterMs: 1_000 });
    const { arm } = anArm();
    const pass = withRateLimit(arm, limiter, caller);
    expect(await kindOf(pass.replicas(registry))).to.equal('NotSent');
    time = 10_000;
    expect(await kindOf(pass.registry(registry))).to.equal('NotSent');
    expect(await kindOf(withRateLimit(arm, limiter, caller).registry(registry))).to.equal('sent');
    expect(held).to.deep.equal(['reads user', 'reads user']);
  });

  it('sends no reads of a pass whose writes would be held back, unless for longer than a minute', async () => {
    let time = 0;
    const limiter = new RateLimiter({ now: () => time });
    const { arm } = anArm();
    const pass = (expects: Operation[]) => withRateLimit(arm, limiter, { ...caller, expects });
    limiter.send(registry.subscriptionId, 'writes')({ retryAfterMs: 10_000 });
    expect(await kindOf(pass(['writes']).registry(registry))).to.equal('NotSent');
    expect(await kindOf(pass([]).registry(registry))).to.equal('sent');
    time = 11_000;
    expect(await kindOf(pass(['writes']).registry(registry))).to.equal('sent');
    limiter.send(registry.subscriptionId, 'writes')({ retryAfterMs: 60_000 });
    expect(await kindOf(pass(['writes']).registry(registry))).to.equal('sent');
  });

  it('says the same words each time, because they end in a status', async () => {
    let time = 0;
    const limiter = new RateLimiter({ now: () => time });
    limiter.send(registry.subscriptionId, 'writes')({ retryAfterMs: 10_000 });
    const words = () =>
      withRateLimit(anArm().arm, limiter, caller)
        .remove(registry, 'japaneast')
        .then(() => withRateLimit(anArm().arm, limiter, caller).create(registry, 'japaneast', replica))
        .then(String, ({ message }: ArmError) => message);
    const first = await words();
    time = 50;
    expect(await words())
      .to.equal(first)
      .and.to.match(/held back by the operator's rate limit, .*writes/);
  });
});

async function kindOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'sent',
    ({ kind }: ArmError) => kind,
  );
}
