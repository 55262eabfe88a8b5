// The `az` commands that the documentation uses, with the options that azure-cli 2.91 takes for them (its `_params.py` and
// `--help`). Nothing here can run them; a test compares what is documented with this list.

const output = ['--query', '-o'];

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  'acr build': ['-r', '-t'],
  'acr show': ['-n', ...output],
  'ad app delete': ['--id'],
  'ad app list': ['--filter', ...output],
  'ad sp create-for-rbac': ['-n', '--role', '--scopes'],
  'aks show': ['-g', '-n', ...output],
  'aks update': ['-g', '-n', '--attach-acr', '--enable-oidc-issuer', '--enable-workload-identity'],
  'group show': ['-n', ...output],
  'identity create': ['-g', '-n'],
  'identity show': ['-g', '-n', ...output],
  'identity federated-credential create': ['-g', '--identity-name', '-n', '--issuer', '--subject', '--audiences'],
  'role assignment create': ['--role', '--assignee', '--scope'],
  'role assignment delete': ['--role', '--assignee', '--scope'],
  'role definition create': ['--role-definition'],
  'role definition delete': ['--name', '--scope'],
};

/** What azure-cli would not understand in a call with these arguments, or what is empty in it. */
export function faultsOfAz(args: readonly string[]): string[] {
  const firstOption = args.findIndex((word) => word.startsWith('-'));
  const command = args.slice(0, firstOption < 0 ? undefined : firstOption).join(' ');
  const options = optionsOf[command];
  if (!options) return [`az ${command} is unknown`];
  return args.slice(firstOption).flatMap((word) => {
    if (word === '') return [`az ${command} has an empty argument`];
    return /^--?[a-z]/.test(word) && !options.includes(word) ? [`az ${command} has no ${word}`] : [];
  });
}
