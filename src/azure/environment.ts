// Reads from the environment how Azure is reached: its cloud, the proxy and the private CA.
import { checkExtraCa } from '../lib/extra-ca.ts';
import { checkProxyVariables } from '../lib/proxy.ts';
import { type Cloud, cloudFrom } from './cloud.ts';

/**
 * Also rewrites the proxy variables in `env` into the form that Azure's SDK understands.
 *
 * @throws Error with one sentence that names the variable.
 */
export function azureFrom(env: NodeJS.ProcessEnv): Cloud {
  const cloud = cloudFrom(env);
  checkExtraCa(env);
  Object.assign(env, checkProxyVariables(env));
  return cloud;
}
