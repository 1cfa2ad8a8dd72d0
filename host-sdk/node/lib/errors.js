// SPDX-License-Identifier: Apache-2.0
'use strict';

class LibraryError extends Error {
  constructor(message) {
    super(message);
    this.name = 'LibraryError';
  }
}

class ProcessorError extends Error {
  constructor(status, message) {
    super(`${status}: ${message}`);
    this.name = 'ProcessorError';
    this.status = status;
  }
}

class AllocationError extends Error {
  constructor(event) {
    super(`${event.outcome}/${event.delivery}` + (event.code ? ` (code ${event.code})` : '') + (event.message ? `: ${event.message}` : ''));
    this.name = 'AllocationError';
    this.outcome = event.outcome;
    this.delivery = event.delivery;
    this.code = event.code || 0;
    this.reason = event.message || '';
    this.request = event.request;
    this.remainingMs = event.remainingMs || 0;
  }
}

class SwapError extends Error {
  constructor(message) {
    super(message);
    this.name = 'SwapError';
  }
}

module.exports = { AllocationError, LibraryError, ProcessorError, SwapError };
