// SPDX-License-Identifier: Apache-2.0
// The scenarios of tests/bindings/scenarios.json: scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN
import { AllocationError, Client, GameServer, Options, ProcessorError, SwapError, Connection } from '../lib/index';

const [scenario, library, address, nextPlugin] = process.argv.slice(2);
const any = { namespace: 'default' };
type Result = { [name: string]: unknown };

const orphans: GameServer[] = [];
function client(settings: Options['settings'] = {}, more: Partial<Options> = {}): Client {
  return new Client(address, { onOrphan: (server) => orphans.push(server), library, settings: { transport: 'plaintext', ...settings }, ...more });
}
async function withClient(work: (processor: Client) => Promise<Result>, settings: Options['settings'] = {}, more: Partial<Options> = {}): Promise<Result> {
  const processor = client(settings, more);
  try {
    return await work(processor);
  } finally {
    await processor.close();
  }
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
async function failure(waiting: Promise<unknown>): Promise<AllocationError> {
  const error = await waiting.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof AllocationError) return error;
  throw new Error(`no AllocationError: ${error}`);
}
async function refusal(waiting: Promise<unknown>): Promise<ProcessorError> {
  const error = await waiting.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof ProcessorError) return error;
  throw new Error(`no ProcessorError: ${error}`);
}
const described = (error: AllocationError): Result => ({
  outcome: error.outcome, delivery: error.delivery, code: error.code, message: error.reason,
  request: JSON.stringify(error.request) === JSON.stringify(any),
});
async function firstOrphan(): Promise<string> {
  await until(() => orphans.length > 0);
  return orphans[0].name;
}

const scenarios: { [name: string]: () => Promise<Result> } = {
  thousand: () => withClient(async (processor) => {
    const servers = await Promise.all(Array.from({ length: 1000 }, () => processor.allocate(any)));
    return { names: servers.map((one) => one.name) };
  }),
  tasks: () => withClient(async (processor) => {
    const names: string[] = [];
    const task = async () => {
      for (let i = 0; i < 5; ++i) names.push((await processor.allocate(any)).name);
    };
    await Promise.all(Array.from({ length: 100 }, task));
    return { names };
  }),
  server: () => withClient(async (processor) => {
    const got = await processor.allocate({ ...any, metadata: { labels: { mode: 'arena' } } });
    return { name: got.name, address: got.address, node: got.nodeName, source: got.source, port: got.ports.default, label: got.response.metadata.labels.mode };
  }),
  protobuf: () => withClient(async (processor) => ({ name: (await processor.allocate(Buffer.from('\x0a\x07default'))).name })),
  manifest: () => withClient(async (processor) => {
    const manifest = { kind: 'GameServerAllocation', spec: { selectors: [{ matchLabels: { 'agones.dev/fleet': 'local' }, gameServerState: 'Ready' }] } };
    const error = await refusal(processor.allocate(manifest as never));
    return { named: error.message.includes('MANIFEST'), name: (await processor.allocate(manifest, { manifest: true })).name };
  }),
  unknown_fields: () => withClient(async (processor) => {
    const model = { ...any, metadata: null, gameServerSelectors: [{ matchLabels: null, players: { minAvailable: 1 } }] };
    return { name: (await processor.allocate(model as never)).name };
  }, { unknown_fields: 'ignore' }),
  rejected: () => withClient(async (processor) => described(await failure(processor.allocate({ namespace: 'nowhere' })))),
  timeout_not_sent: () => withClient(async (processor) => described(await failure(processor.allocate(any, { timeoutMs: 50 })))),
  orphan: () => withClient(async (processor) => ({ ...described(await failure(processor.allocate(any, { timeoutMs: 2000 }))), orphan: await firstOrphan() })),
  cancelled: () => withClient(async (processor) => {
    const gaveUp = await processor.allocate(any, { signal: AbortSignal.timeout(50) }).then(() => false, (error: Error) => error.name === 'TimeoutError');
    await until(() => processor.stats.cancelled === 1);
    return { gaveUp, cancelled: processor.stats.cancelled };
  }),
  cancelled_sent: () => withClient(async (processor) => {
    const controller = new AbortController();
    const waiting = processor.allocate(any, { signal: controller.signal }).catch(() => undefined);
    await until(() => processor.stats.inFlight === 1);
    controller.abort();
    await waiting;
    return { orphan: await firstOrphan() };
  }),
  disconnected: () => withClient(async (processor) => described(await failure(processor.allocate(any))), { fail_fast: true }),
  shutdown: async () => {
    const processor = client();
    const waiting = failure(processor.allocate(any));
    await processor.close();
    return { ...described(await waiting), afterwards: (await refusal(processor.allocate(any))).status };
  },
  burst: async () => {
    const processor = client();
    const all = Array.from({ length: 3000 }, () => processor.allocate(any));
    await Promise.race(all);
    await processor.close();
    return { ended: (await Promise.allSettled(all)).length };
  },
  close_twice: async () => {
    const processor = client();
    const all = Array.from({ length: 3000 }, () => failure(processor.allocate(any)));
    await Promise.all([processor.close(), processor.close()]);
    await processor.close();
    return { shutDown: (await Promise.all(all)).filter((one) => one.outcome === 'SHUTDOWN').length };
  },
  queue_full: () => withClient(async (processor) => {
    const first = processor.allocate(any).catch(() => undefined);
    const { status } = await refusal(processor.allocate(any));
    void first;
    return { status };
  }, { max_pending_requests: 1 }),
  malformed: async () => {
    const setting = await refusal(Promise.resolve().then(() => client({ max_batch: 1 })));
    return withClient(async (processor) => {
      const error = await refusal(processor.allocate({ nmespace: 'default' }));
      return {
        status: error.status, named: error.message.includes('nmespace'), setting: setting.status,
        settingNamed: setting.message.includes('max_batch'), name: (await processor.allocate(any)).name,
      };
    });
  },
  drain: () => withClient(async (processor) => {
    const waiting = failure(processor.allocate(any));
    await processor.drain({ returnUnsent: true });
    return { ...described(await waiting), afterwards: (await refusal(processor.allocate(any))).status };
  }),
  connection: async () => {
    const told: Connection[] = [];
    return withClient(async (processor) => {
      await until(() => told.some((one) => one.state === 'SERVING'));
      return { told: told[told.length - 1].state, state: processor.connection.state, streams: processor.stats.streams };
    }, {}, { onConnection: (one) => told.push(one) });
  },
  logs: async () => {
    const kinds: unknown[] = [];
    const keep = (_message: string, fields?: unknown) => void kinds.push((fields as { kind?: string })?.kind);
    return withClient(async () => {
      await until(() => kinds.includes('stream_opened'));
      return { logged: true };
    }, { log_level: 'info' }, { logger: { debug: keep, info: keep, warn: keep, error: keep } });
  },
  swap: () => withClient(async (processor) => {
    const names: string[] = [];
    const task = async () => {
      for (let i = 0; i < 10; ++i) names.push((await processor.allocate(any)).name);
    };
    const running = Promise.all(Array.from({ length: 100 }, task));
    await until(() => names.length >= 200);
    const report = await processor.swap(nextPlugin);
    await running;
    return { names, from: report.fromVersion, to: report.toVersion, version: processor.version };
  }),
  swap_refused: () => withClient(async (processor) => {
    const refused = await processor.swap('/nowhere.so').then(() => false, (error: unknown) => error instanceof SwapError);
    return { refused, name: (await processor.allocate(any)).name };
  }),
  // Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way.
  bench: () => withClient(async (processor) => {
    const rounds = 6, underWay = 10000;
    const allocate: number[] = [], deliver: number[] = [], cpu: number[] = [];
    for (let round = 0; round < rounds; ++round) {
      const cpuBefore = process.cpuUsage();
      let before = performance.now();
      const all = Array.from({ length: underWay }, () => processor.allocate(any));
      allocate.push(performance.now() - before);
      while (processor.stats.allocated < (round + 1) * underWay) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      before = performance.now();
      await Promise.all(all);
      deliver.push(performance.now() - before);
      const used = process.cpuUsage(cpuBefore);
      cpu.push(used.user + used.system);
    }
    const median = (values: number[]) => values.slice(-3).sort((a, b) => a - b)[1] / underWay;
    return { allocateNs: median(allocate) * 1e6, eventNs: median(deliver) * 1e6, cpuUs: median(cpu) };
  }),
  exit: async () => {
    const processor = client();
    for (let i = 0; i < 100; ++i) processor.allocate(any).catch(() => undefined);
    await until(() => processor.stats.inFlight > 0);
    console.log(JSON.stringify({ underWay: processor.stats.pending }));
    process.exit(0);
  },
};

scenarios[scenario]().then((result) => console.log(JSON.stringify(result)), (error) => {
  console.error(error);
  process.exit(1);
});
