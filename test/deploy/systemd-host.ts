// A host of its own whose first process is a real systemd, with this machine's /usr and our unit: namespaces
// instead of a virtual machine. Owns what is in its /etc, its life, and how one talks to it.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, run, runSync, start } from '../asterisk/child.ts';
import { until } from '../until.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const BOOT = fileURLToPath(new URL('systemd-boot.sh', import.meta.url));
const NAMESPACES = ['unshare', '--mount', '--pid', '--net', '--ipc', '--uts', '--cgroup', '--fork'] as const;
const COMMAND_TIMEOUT_MS = 60_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';

/** Units of this machine's systemd that make no sense in namespaces, or would look at its devices. */
const MASKED = [
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-modules-load.service',
  'systemd-random-seed.service',
  'systemd-sysctl.service',
  'systemd-tmpfiles-setup-dev.service',
  'systemd-udev-trigger.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
];

/** As deploy/README.md makes it. */
const PASSWD = `root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
hintmesh:x:990:990::/var/lib/hintmesh:/usr/sbin/nologin
`;
const GROUP = 'root:x:0:\ntty:x:5:\nsystemd-journal:x:101:\nhintmesh:x:990:\nnogroup:x:65534:\n';

export interface HintmeshFiles {
  readonly config: string;
  readonly identity: string;
  readonly secret: string;
}

/** Why no systemd can be started here, or `undefined` when one can. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root, for namespaces';
  if (!runSync(['test', '-L', '/bin', '-a', '-x', '/usr/lib/systemd/systemd']).ok) {
    return 'it needs a systemd in /usr, with /bin in it too';
  }
  if (!runSync(['which', 'setpriv', 'nsenter', 'unshare']).ok) return 'it needs the package util-linux';
  const { ok, out } = runSync([...NAMESPACES, 'mount', '-t', 'cgroup2', 'cgroup2', '/mnt']);
  return ok ? undefined : `namespaces or cgroup2 cannot be had: ${out}`;
}

/** The program as it is shipped: compiled, with its package.json. */
export async function build(folder: string): Promise<void> {
  const tsc = join(REPOSITORY, 'node_modules/.bin/tsc');
  const outDir = join(folder, 'dist');
  await run([tsc, '-p', join(REPOSITORY, 'tsconfig.build.json'), '--outDir', outDir], COMMAND_TIMEOUT_MS);
  await run(['chmod', '755', join(outDir, 'main.js')]);
  cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
}

export class SystemdHost {
  readonly #folder: string;
  #child: Child | undefined;
  /** Of its first process, as seen from here. */
  #pid = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'hintmesh-systemd-'));
  }

  /** Boots, with the unit installed and not started. */
  async start(files: HintmeshFiles): Promise<void> {
    await build(join(this.#folder, 'hintmesh'));
    this.#writeEtc(files);
    mkdirSync(join(this.#folder, 'root'));
    const modules = join(REPOSITORY, 'node_modules');
    const boot = ['sh', BOOT, this.#folder, process.execPath, modules];
    const child = start([...NAMESPACES, '--kill-child', ...boot], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    let said = '';
    child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const { pid } = child.process;
    await until(
      () => `systemd boots\n${said}`,
      () => {
        if (!child.running) throw new Error(`systemd did not start\n${said}`);
        this.#pid = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
        return this.#pid > 0 && this.run('systemctl', 'is-active', 'test.target').out === 'active';
      },
    );
  }

  /** Files are made with the modes that deploy/README.md gives them. */
  #writeEtc({ config, identity, secret }: HintmeshFiles): void {
    const units = 'systemd/system';
    const target = '[Unit]\nRequires=sysinit.target basic.target\nAfter=sysinit.target basic.target\n';
    this.#write('passwd', PASSWD);
    this.#write('group', GROUP);
    this.#write('nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
    this.#write('hosts', '127.0.0.1 localhost\n');
    this.#write('os-release', 'ID=hintmesh-test\n');
    this.#write('machine-id', `${'0'.repeat(31)}1\n`);
    this.#write(`${units}/test.target`, target);
    this.#write(
      `${units}/hintmesh.service`,
      readFileSync(join(REPOSITORY, 'deploy/hintmesh.service'), 'utf8'),
    );
    for (const unit of MASKED) symlinkSync('/dev/null', join(this.#folder, 'etc', units, unit));
    this.#write('hintmesh/hintmesh.yaml', config);
    this.#write('hintmesh/identity.pem', identity, 0o600);
    this.#write('hintmesh/ami.secret', secret, 0o600);
  }

  #write(file: string, text: string, mode = 0o644): void {
    const path = join(this.#folder, 'etc', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  }

  /** Runs a command on the host, as root. */
  run(...argv: string[]): { ok: boolean; out: string } {
    const inside = ['nsenter', '-t', `${this.#pid}`, '--mount', '--pid', '--net', '--root'];
    return runSync([...inside, 'env', '-i', `PATH=${PATH}`, ...argv]);
  }

  /** A path of the host, for this process. */
  path(file: string): string {
    return join(`/proc/${this.#pid}/root`, file);
  }

  /** `systemctl`; what is printed when it fails is in the error. */
  systemctl(...args: string[]): string {
    const { ok, out } = this.run('systemctl', ...args);
    if (!ok) throw new Error(`systemctl ${args.join(' ')}: ${out}\n${this.journal().join('\n')}`);
    return out;
  }

  /** A property of our unit. */
  show(property: string): string {
    return this.systemctl('show', '--property', property, '--value', 'hintmesh');
  }

  /** What the journal has of our unit, the lines of systemd about it too. */
  journal(): string[] {
    return this.run('journalctl', '--unit', 'hintmesh', '--output', 'cat', '--no-pager').out.split('\n');
  }

  async close(): Promise<void> {
    // The first process of a pid namespace: with it go all the others, and with them the mounts.
    await this.#child?.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
