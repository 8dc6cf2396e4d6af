// The container files as text: what they copy, mount and name is there and fits together, and no secret is in
// them. containers.test.ts runs what they would run.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { runSync } from '../asterisk/child.ts';
import { tool } from './tools.ts';

const DOCKER = 'deploy/docker';
const COMPOSE = 'deploy/compose.yaml';
const TAGS = ['msk', 'spb'] as const;

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string };
  readonly entrypoint?: readonly string[];
  readonly network_mode?: string;
  readonly pull_policy?: string;
  readonly init?: boolean;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
}

const text = (path: string): string => readFileSync(path, 'utf8');
const compose = parse(text(COMPOSE), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);

/** Instructions of a Dockerfile, continued lines joined. */
function instructions(path: string): readonly (readonly [string, string])[] {
  return text(path)
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return [name, rest] as const;
    });
}

function valuesOf(path: string, name: string): string[] {
  return instructions(path).flatMap(([each, rest]) => (each === name ? [rest] : []));
}

describe('the Dockerfiles', () => {
  const images = [
    { file: `${DOCKER}/Dockerfile`, context: '.' },
    { file: `${DOCKER}/asterisk/Dockerfile`, context: `${DOCKER}/asterisk` },
  ];

  test('all that they copy from their context is there', () => {
    for (const { file, context } of images) {
      for (const copy of valuesOf(file, 'COPY').filter((each) => !each.startsWith('--from'))) {
        for (const source of copy.split(/\s+/).slice(0, -1)) {
          const found = source.includes('*') ? context : join(context, source);
          assert.ok(existsSync(found), `${file}: COPY ${source}`);
        }
      }
    }
  });

  test('the context of the broker is what it copies and nothing else', () => {
    const ignore = text(`${DOCKER}/Dockerfile.dockerignore`).split('\n');
    const rules = ignore.filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(rules[0], '*');
    const letIn = rules.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = valuesOf(`${DOCKER}/Dockerfile`, 'COPY')
      .filter((each) => !each.startsWith('--from'))
      .flatMap((each) => each.split(/\s+/).slice(0, -1))
      .map((each) => each.replace(/^\.\//, ''));
    assert.deepEqual(letIn.sort(), [...new Set(copied)].sort());
    assert.ok(rules.includes('**/*.pem') && rules.includes('**/*.secret'));
  });

  test('neither runs as root, and both end by SIGTERM and say how they are', () => {
    for (const { file } of images) {
      assert.notEqual(valuesOf(file, 'USER').at(-1) ?? 'root', 'root');
      assert.deepEqual(valuesOf(file, 'STOPSIGNAL'), ['SIGTERM']);
      assert.equal(valuesOf(file, 'HEALTHCHECK').length, 1);
    }
  });

  test('the last stage of the broker has no packages of development', () => {
    const all = instructions(`${DOCKER}/Dockerfile`);
    const last = all.slice(all.findLastIndex(([name]) => name === 'FROM'));
    const installs = last.flatMap(([name, rest]) =>
      name === 'RUN' && rest.includes('npm ci') ? [rest] : [],
    );
    assert.equal(installs.length, 1);
    assert.match(installs[0] ?? '', /--omit=dev/);
  });

  test('ports and paths are those of the example config', () => {
    const example = parse(text('deploy/hintmesh.example.yaml')) as {
      state_dir: string;
      listen: { port: number };
      http?: { port?: number };
    };
    const httpPort = example.http?.port ?? 7441;
    assert.deepEqual(valuesOf(`${DOCKER}/Dockerfile`, 'EXPOSE'), [`${example.listen.port} ${httpPort}`]);
    assert.deepEqual(valuesOf(`${DOCKER}/Dockerfile`, 'VOLUME'), [example.state_dir]);
    const { scrape_configs } = parse(text(`${DOCKER}/prometheus.yml`)) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = scrape_configs.flatMap((job) => job.static_configs.flatMap((each) => each.targets));
    assert.deepEqual(
      targets,
      TAGS.map((tag) => `${tag}:${httpPort}`),
    );
  });
});

describe(COMPOSE, () => {
  test('has two PBXs, an Asterisk and a broker in each, Prometheus, and what makes their secrets', () => {
    const parts = TAGS.flatMap((tag) => [tag, `${tag}-asterisk`, `${tag}-broker`]);
    assert.deepEqual(Object.keys(compose.services).sort(), ['init', 'prometheus', ...parts].sort());
  });

  test('an Asterisk or a broker that is stopped does not take the network from the other', () => {
    for (const tag of TAGS) {
      // It has a network of its own, and heeds SIGTERM though it is only a sleep.
      assert.equal(compose.services[tag]?.network_mode, undefined);
      assert.deepEqual(compose.services[tag]?.entrypoint, ['sleep', 'infinity']);
      assert.equal(compose.services[tag]?.init, true);
      for (const part of [`${tag}-asterisk`, `${tag}-broker`]) {
        assert.equal(compose.services[part]?.network_mode, `service:${tag}`);
        assert.deepEqual(Object.keys(compose.services[part]?.depends_on ?? {}), [tag]);
      }
    }
  });

  test('each image is built by one service, and pulled by none of the others', () => {
    const builders = services.flatMap(([, { image, build }]) => (build ? [image] : []));
    assert.deepEqual([...builders].sort(), ['hintmesh', 'hintmesh-asterisk']);
    for (const [name, { image, build, pull_policy }] of services) {
      if (!build && builders.includes(image)) assert.equal(pull_policy, 'never', name);
    }
  });

  test('nothing in it can write to its own root, or has a capability that it does not need', () => {
    for (const [name, service] of services) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
    }
  });

  test('what is built, mounted from here and waited for exists', () => {
    const folder = dirname(COMPOSE);
    for (const [name, { build, volumes = [], depends_on = {} }] of services) {
      if (build) {
        const context = resolve(folder, build.context);
        assert.ok(existsSync(join(context, build.dockerfile ?? 'Dockerfile')), name);
      }
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) assert.ok(existsSync(resolve(folder, source)), `${name}: ${source}`);
        else assert.ok(source in compose.volumes, `${name}: ${source}`);
      }
      for (const other of Object.keys(depends_on)) assert.ok(other in compose.services, `${name}: ${other}`);
    }
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    for (const volume of Object.keys(compose.volumes)) assert.ok(used.includes(volume), volume);
  });

  test('files are made for the users that the images run as', () => {
    const [, uid = ''] = /--uid (\d+)/.exec(text(`${DOCKER}/asterisk/Dockerfile`)) ?? [];
    const init = text(`${DOCKER}/init.sh`);
    assert.ok(init.includes(`\${ASTERISK_USER-${uid}:${uid}}`));
    for (const [name, { tmpfs = [] }] of services) {
      for (const mount of tmpfs) assert.match(mount, new RegExp(`:uid=${uid},gid=${uid},`), name);
    }
    // The images of Node have this user, with 1000.
    assert.deepEqual(valuesOf(`${DOCKER}/Dockerfile`, 'USER'), ['node']);
    assert.ok(init.includes('${BROKER_USER-1000:1000}'));
  });

  test('it holds no secret, and no file of the containers does', () => {
    for (const file of [
      COMPOSE,
      `${DOCKER}/Dockerfile`,
      `${DOCKER}/init.sh`,
      `${DOCKER}/asterisk/manager.conf`,
    ]) {
      assert.doesNotMatch(text(file), /BEGIN [A-Z ]*PRIVATE KEY|secret\s*[=:]\s*['"]?[0-9a-zA-Z]{12,}/, file);
    }
  });
});

const promtool = await tool('promtool');
test('promtool finds no mistake in the Prometheus of compose.yaml', { skip: promtool.skip }, () => {
  // As the two files lie side by side in the container.
  const folder = mkdtempSync(join(tmpdir(), 'hintmesh-prometheus-'));
  try {
    writeFileSync(join(folder, 'prometheus.yml'), text(`${DOCKER}/prometheus.yml`));
    writeFileSync(join(folder, 'alerts.yml'), text('deploy/prometheus/alerts.yml'));
    const { ok, out } = runSync([promtool.path, 'check', 'config', join(folder, 'prometheus.yml')]);
    assert.ok(ok, out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
