// SPDX-License-Identifier: Apache-2.0
// Finding and loading the library: the host library, or a plugin by itself.
'use strict';

const fs = require('fs');
const path = require('path');
const koffi = require('koffi');
const raw = require('./raw');
const { LibraryError, ProcessorError } = require('./errors');

const HOST_LIBRARY = 'libagones_processor_host.so';
const ERROR_SIZE = 1024;

// koffi knows a type by its name, once a process.
for (const [name, fields] of Object.entries(raw.STRUCTS)) koffi.struct(name, fields);
koffi.proto(raw.JSON_CALLBACK);
const libc = koffi.load('libc.so.6');
const pipe2 = libc.func('int pipe2(_Out_ int *ends, int flags)');

// An explicit file; what AGONES_PROCESSOR_PLUGIN names; the package's own file; the system's.
function find(library) {
  if (library) return library;
  if (process.env.AGONES_PROCESSOR_PLUGIN) return process.env.AGONES_PROCESSOR_PLUGIN;
  const packaged = path.join(__dirname, '..', 'native', HOST_LIBRARY);
  return fs.existsSync(packaged) ? packaged : HOST_LIBRARY;
}

const namesOf = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [value, name]));
const STATUS_NAMES = namesOf(raw.Status);

class Library {
  constructor(file) {
    this.file = file;
    let dll;
    try {
      dll = koffi.load(file);
      this.abiVersion = dll.func('uint32_t proc_abi_version()')();
    } catch (error) {
      throw new LibraryError(`${file}: ${error.message}`);
    }
    if (this.abiVersion >>> 16 !== raw.ABI_VERSION >>> 16) {
      throw new LibraryError(`${file}: has ABI ${this.abiVersion >>> 16}.x, this package needs ${raw.ABI_VERSION >>> 16}.x`);
    }
    this.functions = {};
    for (const [name, declaration] of Object.entries(raw.FUNCTIONS)) {
      try {
        this.functions[name] = dll.func(declaration);
      } catch (error) {
        if (!raw.HOST_FUNCTIONS.includes(name)) throw new LibraryError(`${file}: lacks ${name}`);
      }
    }
    this.canSwap = this.functions.proc_swap !== undefined;
    this.error = Buffer.alloc(ERROR_SIZE);
  }

  // A function that returns a status; the error's buffer is added. Throws ProcessorError.
  call(name, ...args) {
    const status = this.functions[name](...args, this.error, ERROR_SIZE);
    if (status !== raw.Status.OK) throw this.problem(status, this.error);
  }

  // The same on a thread of libuv's, for what waits.
  callAsync(name, ...args) {
    const error = Buffer.alloc(ERROR_SIZE);
    return new Promise((resolve, reject) => {
      this.functions[name].async(...args, error, ERROR_SIZE, (failure, status) => {
        if (failure) reject(failure);
        else if (status !== raw.Status.OK) reject(this.problem(status, error));
        else resolve();
      });
    });
  }

  problem(status, error) {
    return new ProcessorError(STATUS_NAMES[status] || String(status), textOf(error));
  }
}

function textOf(buffer) {
  return buffer.toString('utf8', 0, buffer.indexOf(0));
}

function makePipe() {
  const O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
  const ends = [0, 0];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) !== 0) throw new LibraryError('no pipe: are there too many open files?');
  return ends;
}

module.exports = { Library, find, makePipe, namesOf, textOf };
