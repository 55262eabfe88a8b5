// What the values of the Helm chart may be, beyond the type of their default in values.yaml.
import { options } from '../src/options.ts';

/** The part of JSON Schema that the chart uses. */
export interface Schema {
  readonly $schema?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

const text: Schema = { type: 'string' };
const anyObject: Schema = { type: 'object' };
const textMap: Schema = { additionalProperties: text };
const oneOf = (...words: string[]): Schema => ({ enum: words });
/** Empty, or what the pattern says. */
const optional = (pattern: string): Schema => ({ pattern: `^(${pattern})?$` });

// The grammars of Kubernetes' names.
const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = String.raw`${label}(\.${label})*`;
const labelText: Schema = { ...text, pattern: `^${label}$`, maxLength: 63 };
const name: Schema = { ...text, pattern: `^${subdomain}$`, maxLength: 253 };
const optionalName: Schema = { ...optional(subdomain), maxLength: 253 };

const httpsUrl = optional(String.raw`https://[^\s/?#@]+(/[^\s?#]*)?`);
/** 1 to 65535, in a URL. */
const portText = String.raw`([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;
const port: Schema = { type: 'integer', minimum: 1, maximum: 65_535 };

/** An object of known fields. */
function record(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', additionalProperties: false, ...(required.length && { required }), properties };
}

const listOf = (items: Schema): Schema => ({ items });

// The fields of Kubernetes' own types, so that a misspelt one is refused here and not ignored by an API server.
const quantities: Schema = { type: 'object', additionalProperties: { type: ['string', 'number'] } };
const toleration = record({
  key: text,
  operator: oneOf('Exists', 'Equal'),
  value: text,
  effect: oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
  tolerationSeconds: { type: 'integer' },
});
const spread = record(
  {
    maxSkew: { type: 'integer', minimum: 1 },
    topologyKey: text,
    whenUnsatisfiable: oneOf('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: anyObject,
    matchLabelKeys: { type: 'array', items: text },
    minDomains: { type: 'integer', minimum: 1 },
    nodeAffinityPolicy: oneOf('Honor', 'Ignore'),
    nodeTaintsPolicy: oneOf('Honor', 'Ignore'),
  },
  ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
);
const variable = record({ name: { ...text, minLength: 1 }, value: text, valueFrom: anyObject }, ['name']);

/** The operator's flags. Those with a value of their own are refused by the template, which can say why. */
function flags(): Schema {
  const properties = options().map((option): [string, Schema] => [
    option.name(),
    { description: option.description, type: ['string', 'number', 'boolean'] },
  ]);
  return record(Object.fromEntries(properties));
}

/** An image's repository, without tag and digest, which have values of their own. */
export const repositoryPattern = '^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*$';

/** By the path of the value. A list and an open map need a rule; other values may have one. */
export const rules: Readonly<Record<string, Schema>> = {
  'image.repository': { pattern: repositoryPattern },
  'image.tag': optional('[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'),
  'image.digest': optional('sha256:[0-9a-f]{64}'),
  'image.pullPolicy': oneOf('', 'Always', 'IfNotPresent', 'Never'),
  'image.pullSecrets': listOf(name),
  replicas: { minimum: 0 },
  'azure.identity': oneOf('Secret', 'WorkloadIdentity', 'ManagedIdentity', 'None'),
  'azure.existingSecret': optionalName,
  'azure.clientId': optional('[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'),
  'azure.tenantId': optional('[A-Za-z0-9.-]+'),
  'azure.cloud': oneOf('Public', 'USGovernment', 'China', 'Custom'),
  'azure.authorityHost': httpsUrl,
  'azure.resourceManagerEndpoint': httpsUrl,
  watchNamespaces: { ...listOf(labelText), uniqueItems: true },
  defaultRegistries: oneOf('allow', 'deny'),
  objectIdentities: { propertyNames: labelText, additionalProperties: { type: 'array', items: name, minItems: 1 } },
  'regionSources.cluster': { ...listOf(name), uniqueItems: true },
  'regionSources.namespaced': { ...listOf(name), uniqueItems: true },
  flags: flags(),
  env: listOf(variable),
  'proxy.url': optional(String.raw`https?://([^\s/?#]+@)?(\[[0-9A-Fa-f:.]+\]|[^\s/?#:@]+)(:${portText})?/?`),
  'proxy.existingSecret': optionalName,
  'proxy.port': { minimum: 0, maximum: 65_535 },
  privateCA: optionalName,
  'metrics.certificateSecret': optionalName,
  'metrics.tlsConfig': anyObject,
  'metrics.monitor': oneOf('None', 'PodMonitor', 'ServiceMonitor'),
  // It becomes a part of YAML, and Prometheus fills in what stands in braces.
  'metrics.runbooks': { pattern: '^https?://[A-Za-z0-9./:?=&%_~+@-]+$' },
  'networkPolicy.ports': { ...listOf(port), minItems: 1 },
  fullnameOverride: { ...optional(label), maxLength: 40 },
  labels: textMap,
  annotations: textMap,
  'serviceAccount.name': optionalName,
  'serviceAccount.annotations': textMap,
  'pod.labels': textMap,
  'pod.annotations': textMap,
  'pod.resources': record({ requests: quantities, limits: quantities }),
  'pod.priorityClassName': optionalName,
  'pod.nodeSelector': textMap,
  'pod.affinity': record({ nodeAffinity: anyObject, podAffinity: anyObject, podAntiAffinity: anyObject }),
  'pod.tolerations': listOf(toleration),
  'pod.topologySpreadConstraints': listOf(spread),
};
