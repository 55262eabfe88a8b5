// The demo's final text: what to try once everything is Ready.

export interface GuideParameters {
  /** As the reader would type it. */
  readonly kubeconfig: string;
  /** `namespace` and `name` of the object. */
  readonly namespace: string;
  readonly name: string;
  /** A curl config file with certificate and token. */
  readonly curlConfig: string;
  /** The registry in ARM, without a query. */
  readonly registryUrl: string;
  /** The operator's log. */
  readonly log: string;
  /** Whether this machine has kubectl. */
  readonly hasKubectl: boolean;
}

/** The api-version that the operator uses. */
const apiVersion = '2025-11-01';

export function guideText(where: GuideParameters): string {
  const { kubeconfig, namespace, name, curlConfig, registryUrl, log, hasKubectl } = where;
  const georep = (verb: string, rest = '') => `  kubectl ${verb} georep -n ${namespace} ${name}${rest}`;
  const northeurope = `[{"op":"add","path":"/spec/regions/-","value":{"location":"North Europe"}}]`;
  return [
    `Go on with kubectl in another terminal${hasKubectl ? '' : ' (this machine has none: https://kubernetes.io/docs/tasks/tools)'}:`,
    '',
    `  export KUBECONFIG=${quoted(kubeconfig)}`,
    '  kubectl get georep -A',
    '  kubectl get georep -A -o wide',
    '  kubectl get georep -A -w',
    georep('describe'),
    georep('edit', '                        # another region, routing, tags'),
    georep('patch', ` --type=json -p '${northeurope}'`),
    georep('wait', ' --for=condition=Ready --timeout=2m'),
    georep('delete', '                      # returns once the replicas are gone from Azure'),
    '',
    "Look into Azure, and change it behind the operator's back (here it looks for that every 10 s; usually every 10 min):",
    '',
    `  export ARM=${quoted(registryUrl)} VERSION=api-version=${apiVersion}`,
    `  curl -K ${quoted(curlConfig)} "$ARM/replications?$VERSION"`,
    `  curl -K ${quoted(curlConfig)} -X DELETE "$ARM/replications/japaneast?$VERSION"`,
    '',
    `The operator's log is in ${log}. Ctrl-C ends everything.`,
  ].join('\n');
}

/** Quotes for a POSIX shell, only if necessary. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
