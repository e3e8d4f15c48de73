import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { loadStream } from '../../src/cli/load-stream.ts';

const read = (path: string) => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'sluice-deploy-'));
after(() => rmSync(folder, { recursive: true }));

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: manifests are looked at, not typed
  readonly spec: any;
}
const manifestsOf = (path: string) =>
  parseAllDocuments(read(path)).map((document) => {
    assert.deepEqual(document.errors, [], path);
    return document.toJS() as Manifest;
  });
const kubernetes = manifestsOf('kubernetes.yaml');
const [config, deployment, disruption] = kubernetes as [Manifest, Manifest, Manifest];
const [container] = deployment.spec.template.spec.containers;

describe('deploy/', () => {
  test('the pipeline in the ConfigMap is a valid one, with the secret from its file', () => {
    const key = join(folder, 'es-api-key');
    writeFileSync(key, 'secret');
    const file = join(folder, 'news.yaml');
    writeFileSync(file, config.data['news.yaml']!.replace('/run/secrets/sluice/es-api-key', key));
    const before = { ...process.env };
    Object.assign(process.env, { KAFKA_BROKERS: 'kafka:9092', ES_URL: 'https://es:9200' });
    const loaded = loadStream(file, { info() {}, warn() {} });
    process.env = before;
    assert.deepEqual(loaded.mistakes, []);
    // A graceful stop must have its time before the kubelet's patience ends.
    const { shutdown_timeout } = loaded.stream!.config.limits;
    assert.ok(shutdown_timeout + 5000 < 1000 * deployment.spec.template.spec.terminationGracePeriodSeconds);
  });

  test('names that belong together are the same ones', () => {
    const { matchLabels } = deployment.spec.selector;
    assert.deepEqual(disruption.spec.selector.matchLabels, matchLabels);
    assert.deepEqual(deployment.spec.template.metadata.labels, matchLabels);
    const volumes = deployment.spec.template.spec.volumes as { name: string; configMap?: { name: string } }[];
    for (const { name } of container.volumeMounts)
      assert.ok(
        volumes.some((volume) => volume.name === name),
        name,
      );
    assert.equal(volumes.find(({ configMap }) => configMap)!.configMap!.name, config.metadata.name);
    const [keda] = manifestsOf('keda.yaml');
    const [hpa] = manifestsOf('hpa.yaml');
    assert.equal(keda!.spec.scaleTargetRef.name, deployment.metadata.name);
    assert.equal(hpa!.spec.scaleTargetRef.name, deployment.metadata.name);
    const [{ metadata }] = keda!.spec.triggers;
    const pipeline = config.data['news.yaml']!;
    assert.ok(
      pipeline.includes(`group_id: ${metadata.consumerGroup}\n`) && pipeline.includes(`topics: ${metadata.topic}\n`),
    );
  });

  test('the probes ask what sluice answers, at the port that it is told to listen on', () => {
    const port = container.ports.find(({ name }: { name: string }) => name === 'http').containerPort;
    assert.ok(container.args.includes(`0.0.0.0:${port}`));
    const paths = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet.path);
    assert.deepEqual(paths, ['/livez', '/livez', '/readyz']);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  });

  test('the systemd unit reloads by SIGHUP and waits for a graceful stop', () => {
    const unit = read('sluice.service');
    assert.match(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
    assert.match(unit, /^ExecStart=.* run .*--http 127\.0\.0\.1:9281$/m);
    assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) > 30);
  });
});
