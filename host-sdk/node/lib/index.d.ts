// SPDX-License-Identifier: Apache-2.0

export const VERSION: string;

export type Outcome = 'ALLOCATED' | 'REJECTED' | 'TIMEOUT' | 'CANCELLED' | 'DISCONNECTED' | 'SHUTDOWN';
export type Delivery = 'NOT_SENT' | 'UNKNOWN' | 'DONE';
export type ConnectionState = 'CONNECTING' | 'STANDBY' | 'SERVING' | 'BACKING_OFF' | 'CLOSED';
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
/** The AllocationRequest as proto3 JSON. */
export type Request = { namespace?: string; [member: string]: Json | undefined };

/** What was allocated. */
export interface GameServer {
  name: string;
  address: string;
  nodeName: string;
  source: string;
  /** By name. */
  ports: { [name: string]: number };
  /** The whole AllocationResponse as proto3 JSON has it: labels, annotations, counters, lists, addresses. */
  response: { [member: string]: any };
}

export interface Connection {
  state: ConnectionState;
  reason: string;
}

/** console has these. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: unknown): void;
}

export interface Options {
  /** Gets every game server that nobody else knows of: its request had timed out, was given up, or lost its stream. */
  onOrphan(server: GameServer): void;
  /** Gets every change of the connection's state. */
  onConnection?(connection: Connection): void;
  /** The host library's file, or a plugin's own. Default: AGONES_PROCESSOR_PLUGIN, the package's own, the system's. */
  library?: string;
  /** Default: console. */
  logger?: Logger;
  /** Any field of the ABI's proc_config by its name; the library has the defaults and checks them. */
  settings?: { [name: string]: string | number | boolean };
}

export interface SwapReport {
  fromVersion: string;
  toVersion: string;
  moved: number;
  drained: number;
  longestGapMs: number;
  /** Whether the old library is out of the process; else keptBecause says why not. */
  unloaded: boolean;
  keptBecause: string;
}

/** A connection to the allocation processor. */
export class Client {
  /** Throws LibraryError, ProcessorError (INVALID_ARGUMENT names the setting). */
  constructor(processorAddress: string, options: Options);

  /**
   * A game server. Rejects with an AllocationError if there is none, with a ProcessorError if the request is refused at once, and with
   * the signal's reason if that is aborted, which cancels the request.
   * @param request the AllocationRequest as JSON, or serialized
   */
  allocate(request: Request | Uint8Array, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<GameServer>;
  /** The same with a GameServerAllocation of Kubernetes. */
  allocate(manifest: Record<string, unknown>, options: { timeoutMs?: number; signal?: AbortSignal; manifest: true }): Promise<GameServer>;

  readonly connection: Connection;
  /** Counters since the beginning; pending, unsent, inFlight, lateAnswers are as of now. */
  readonly stats: { [name: string]: number };
  /** The release of the plugin that takes new requests. */
  readonly version: string;
  /** For Prometheus. */
  metricsText(): string;

  /** Replaces the plugin by another version; requests under way go on. Rejects with a SwapError: the old one goes on. */
  swap(file: string, options?: { sha256?: string | null }): Promise<SwapReport>;
  /** Takes no more requests, and waits until those under way have ended. returnUnsent: what is not sent ends at once. */
  drain(options?: { returnUnsent?: boolean }): Promise<void>;
  /** Ends the client. Unsent requests end at once, sent ones are awaited for so long. */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/** A request ended without a game server. With delivery UNKNOWN one may have been allocated all the same. */
export class AllocationError extends Error {
  readonly outcome: Outcome;
  readonly delivery: Delivery;
  /** The processor's gRPC status code, with REJECTED. */
  readonly code: number;
  readonly reason: string;
  /** With NOT_SENT: what was asked for, safe to send again, and what was left of its time. */
  readonly request?: Request;
  readonly remainingMs: number;
}

/** A call was refused; nothing has changed. */
export class ProcessorError extends Error {
  readonly status: string;
}

/** The library can't be loaded, or has another major version. */
export class LibraryError extends Error {}

/** A swap failed; the old plugin goes on. */
export class SwapError extends Error {}
