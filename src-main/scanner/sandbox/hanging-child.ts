// An unpacking process that never reads, for the tests of the sandbox.
for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

export {};
