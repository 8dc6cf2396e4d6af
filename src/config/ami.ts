/**
 * The `ami` section: how the local Asterisk is reached, its secret and its TLS files read. Owns which of them
 * belong together.
 */
import type { Config } from './config.ts';
import { belongTogether, type NamedFiles, whyNotSecret } from './files.ts';
import { type Findings, variableOf } from './findings.ts';
import type { Environment, RootValues } from './values.ts';

/** Values that are wrong stay in it: `findings` has them, and then it is not used. */
export function readAmi(
  { ami }: RootValues,
  env: Environment,
  files: NamedFiles,
  findings: Findings,
): Config['ami'] {
  const { tls } = ami;
  if (/[^\x21-\x7e]/.test(ami.username) && findings.fine('ami.username')) {
    findings.mistake('ami.username', 'ami.username has a character that a user in manager.conf cannot have');
  }
  const certificates = (key: 'ca_file' | 'cert_file') =>
    tls.enabled && tls[key] !== '' ? files.certificates(`ami.tls.${key}`, tls[key]) : undefined;
  for (const key of ['ca_file', 'servername', 'cert_file', 'key_file'] as const) {
    if (tls.enabled || tls[key] === '' || !findings.fine('ami.tls.enabled')) continue;
    findings.mistake(`ami.tls.${key}`, `ami.tls.${key} is set, but ami.tls.enabled is false; set it to true`);
  }
  if (tls.enabled && (tls.cert_file === '') !== (tls.key_file === '')) {
    findings.mistake('ami.tls', 'ami.tls has only one of cert_file and key_file; they belong together');
  }
  const [ca, cert] = [certificates('ca_file'), certificates('cert_file')];
  const key = tls.enabled && tls.key_file !== '' ? files.key('ami.tls.key_file', tls.key_file) : undefined;
  if (cert !== undefined && key !== undefined && !belongTogether(cert, key)) {
    findings.mistake(
      'ami.tls.key_file',
      'ami.tls.key_file is not the key of the first certificate in ami.tls.cert_file; name the two that were made together',
    );
  }
  return {
    host: ami.host,
    port: ami.port,
    username: ami.username,
    secret: readSecret(ami.secret_file, env, files, findings) ?? '',
    ...(tls.enabled && {
      tls: {
        ...(ca !== undefined && { ca }),
        ...(tls.servername !== '' && { servername: tls.servername }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      },
    }),
  };
}

/** From its variable or else its file. An empty variable is none: that is how platforms leave one out. */
function readSecret(
  name: string,
  env: Environment,
  files: NamedFiles,
  findings: Findings,
): string | undefined {
  const variable = variableOf('ami.secret');
  const secret = env[variable];
  if (secret !== undefined && secret !== '') {
    const why = whyNotSecret(secret);
    if (why !== undefined && findings.fine('ami.secret')) findings.mistake('ami.secret', `ami.secret ${why}`);
    return secret;
  }
  if (name !== '') return files.secret('ami.secret_file', name);
  if (findings.fine('ami.secret_file') && findings.fine('ami.secret')) {
    findings.mistake(
      'ami.secret_file',
      `ami.secret_file is missing; write the secret of the manager user into a file and name it here, or set ${variable}`,
    );
  }
  return undefined;
}
