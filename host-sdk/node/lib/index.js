// SPDX-License-Identifier: Apache-2.0
// The client: everything happens on the event loop, but for close(), which waits on another thread.
'use strict';

const fs = require('fs');
const net = require('net');
const koffi = require('koffi');
const raw = require('./raw');
const { Library, find, makePipe, namesOf, textOf } = require('./library');
const { AllocationError, LibraryError, ProcessorError, SwapError } = require('./errors');

const EVENTS_A_TURN = 512; // then the loop's other work has its turn
const SWAP_POLL_MS = 10;
const CONNECTION_NAMES = namesOf(raw.ConnectionState);
const LOG_METHODS = { TRACE: 'debug', DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' };

function gameServer(response) {
  const ports = {};
  for (const port of response.ports || []) ports[port.name || ''] = port.port || 0;
  return {
    name: response.gameServerName || '',
    address: response.address || '',
    nodeName: response.nodeName || '',
    source: response.source || '',
    ports,
    response,
  };
}

class Client {
  constructor(processorAddress, options) {
    const { onOrphan, onConnection, library, logger = console, settings = {} } = options || {};
    if (typeof onOrphan !== 'function') {
      throw new TypeError('onOrphan must be a function: it gets game servers that nobody else knows of');
    }
    this._onOrphan = onOrphan;
    this._onConnection = onConnection;
    this._logger = logger;
    this._waiting = new Map();
    this._token = 0;
    this._closed = false;
    this._library = new Library(find(library));
    this._moreBuffer = Buffer.alloc(4);
    this._id = new BigUint64Array(1);
    this._body = Buffer.alloc(16384);
    this._init(processorAddress, settings);
    this._callback = koffi.register((context, text, size) => this._take(text, size), koffi.pointer('proc_json_fn'));
    this._socket = new net.Socket({ fd: this._pipe[0], readable: true, writable: false });
    this._socket.on('data', () => this._poll());
    this._socket.unref();
  }

  _init(address, settings) {
    this._pipe = makePipe();
    const config = koffi.alloc('proc_config', 1);
    try {
      this._library.call('proc_config_init', raw.ABI_VERSION, config, koffi.sizeof('proc_config'));
      const all = { processor_address: address, notify_fd: this._pipe[1], ...settings };
      for (const [name, value] of Object.entries(all)) this._library.call('proc_config_set', config, name, String(value));
      const client = koffi.alloc('void *', 1);
      this._library.call('proc_init', config, client);
      this._handle = koffi.decode(client, 'void *');
      koffi.free(client);
    } catch (error) {
      this._pipe.forEach((fd) => fs.closeSync(fd));
      throw error;
    } finally {
      this._library.functions.proc_config_clear(config);
      koffi.free(config);
    }
  }

  _call(name, ...args) {
    if (this._closed) throw new ProcessorError('SHUT_DOWN', 'the client is closed');
    this._library.call(name, this._handle, ...args);
  }

  // ---- allocations

  allocate(request, { timeoutMs = 0, signal, manifest = false } = {}) {
    return new Promise((resolve, reject) => {
      if (signal && signal.aborted) throw signal.reason;
      if (request === null || typeof request !== 'object') throw new TypeError('the request must be an object or a Uint8Array');
      const token = ++this._token;
      if (request instanceof Uint8Array) {
        this._call('proc_allocate', raw.Format.PROTOBUF, request, request.length, timeoutMs, token, this._id);
      } else {
        const json = JSON.stringify(request);
        // The library copies it, so that one buffer does for most; three bytes are the most that a UTF-16 unit takes.
        const fits = json.length * 3 <= this._body.length;
        const body = fits ? this._body : Buffer.from(json);
        const size = fits ? body.write(json) : body.length;
        this._call('proc_allocate', manifest ? raw.Format.MANIFEST : raw.Format.JSON, body, size, timeoutMs, token, this._id);
      }
      const waiting = { resolve, reject, gaveUp: false, signal, abort: null };
      if (signal) {
        const id = this._id[0];
        waiting.abort = () => {
          waiting.gaveUp = true;
          // What has ended already can't be cancelled, and need not be.
          if (!this._closed) this._library.functions.proc_cancel(this._handle, id, null, 0);
          reject(signal.reason);
        };
        signal.addEventListener('abort', waiting.abort, { once: true });
      }
      this._waiting.set(token, waiting);
      // Callers wait: the loop must not end.
      if (this._waiting.size === 1) this._socket.ref();
    });
  }

  // ---- events

  // A turn that was due when close() began comes while another thread is inside of proc_shutdown: nobody else may poll then.
  _poll() {
    if (this._closed || this._closing) return;
    try {
      if (this._pollOnce()) setImmediate(() => this._poll());
    } catch (error) {
      // No memory: nothing is lost, so it polls again.
      this._logger.error('agones-processor: a poll failed', error);
      setTimeout(() => this._poll(), SWAP_POLL_MS).unref();
    }
  }

  // Whether more waits.
  _pollOnce() {
    this._call('proc_poll_json', this._callback, null, EVENTS_A_TURN, 0, 0, null, this._moreBuffer);
    return this._moreBuffer.readUInt32LE() !== 0;
  }

  _take(text, size) {
    // No exception may reach C.
    try {
      this._handle_event(JSON.parse(koffi.decode(text, koffi.array('char', Number(size), 'String'))));
    } catch (error) {
      this._logger.error('agones-processor: an event could not be handled', error);
    }
  }

  _handle_event(event) {
    switch (event.type) {
      case 'RESULT':
        this._end(event);
        break;
      case 'ORPHAN':
        this._onOrphan(gameServer(event.gameServer));
        break;
      case 'CONNECTION':
        if (this._onConnection) this._onConnection({ state: event.connection, reason: event.message || '' });
        break;
      case 'LOG':
        this._logger[LOG_METHODS[event.severity] || 'info'](`agones-processor: ${event.message || ''}`, { kind: event.kind, ...event.fields });
        break;
    }
  }

  _end(event) {
    const waiting = this._waiting.get(event.token);
    this._waiting.delete(event.token);
    if (this._waiting.size === 0) this._socket.unref();
    if (waiting.signal) waiting.signal.removeEventListener('abort', waiting.abort);
    if (event.outcome !== 'ALLOCATED') {
      waiting.reject(new AllocationError(event));
    } else if (waiting.gaveUp) {
      this._onOrphan(gameServer(event.gameServer)); // its caller gave up a moment before
    } else {
      waiting.resolve(gameServer(event.gameServer));
    }
  }

  // ---- the rest

  get connection() {
    const state = Buffer.alloc(4), reason = Buffer.alloc(1024);
    this._call('proc_get_connection', state, reason, reason.length);
    return { state: CONNECTION_NAMES[state.readInt32LE()], reason: textOf(reason) };
  }

  get stats() {
    const bytes = Buffer.alloc(koffi.sizeof('proc_stats'));
    bytes.writeUInt32LE(bytes.length);
    this._call('proc_get_stats', bytes);
    const { struct_size, reserved, ...stats } = koffi.decode(bytes, 'proc_stats');
    return Object.fromEntries(Object.entries(stats).map(([name, value]) => [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]));
  }

  get version() {
    if (!this._library.canSwap) return this._library.functions.proc_version();
    const text = Buffer.alloc(64);
    this._call('proc_get_plugin_version', text, text.length);
    return textOf(text);
  }

  metricsText() {
    const stats = Buffer.alloc(koffi.sizeof('proc_stats')), metrics = Buffer.alloc(koffi.sizeof('proc_metrics'));
    stats.writeUInt32LE(stats.length);
    metrics.writeUInt32LE(metrics.length);
    this._call('proc_get_stats', stats);
    this._call('proc_get_metrics', metrics);
    const text = Buffer.alloc(1 << 18);
    this._library.call('proc_metrics_to_text', stats, metrics, text, text.length, null);
    return textOf(text);
  }

  async swap(file, { sha256 = null } = {}) {
    if (!this._library.canSwap) throw new SwapError(`${this._library.file} is a plugin: swapping needs the host library`);
    this._call('proc_swap', file, sha256);
    const bytes = Buffer.alloc(koffi.sizeof('proc_swap_report'));
    bytes.writeUInt32LE(bytes.length);
    for (;;) {
      this._poll(); // carries it on
      this._call('proc_get_swap_report', bytes);
      const report = koffi.decode(bytes, 'proc_swap_report');
      if (report.state === raw.SwapState.RUNNING) {
        await new Promise((resolve) => setTimeout(resolve, SWAP_POLL_MS));
        continue;
      }
      if (report.state === raw.SwapState.FAILED) throw new SwapError(report.error);
      return {
        fromVersion: report.from_version,
        toVersion: report.to_version,
        moved: report.moved,
        drained: report.drained,
        longestGapMs: report.longest_gap_us / 1000,
        unloaded: report.unloaded === 1,
        keptBecause: report.error,
      };
    }
  }

  async drain({ returnUnsent = false } = {}) {
    this._call('proc_drain', returnUnsent ? raw.DrainFlags.RETURN_UNSENT : raw.DrainFlags.FINISH);
    while (this._waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, SWAP_POLL_MS));
  }

  async close({ timeoutMs = 5000 } = {}) {
    if (this._closing) return this._closing;
    this._closing = this._close(timeoutMs);
    return this._closing;
  }

  async _close(timeoutMs) {
    try {
      await this._library.callAsync('proc_shutdown', this._handle, timeoutMs);
      while (this._pollOnce());
      this._call('proc_destroy');
    } catch (error) {
      this._closing = undefined;
      this._poll(); // what came meanwhile
      throw error;
    }
    this._closed = true;
    this._socket.destroy();
    fs.closeSync(this._pipe[1]);
    koffi.unregister(this._callback);
  }

  async [Symbol.asyncDispose || Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }
}

module.exports = { AllocationError, Client, LibraryError, ProcessorError, SwapError, VERSION: raw.VERSION };
