// Starts programs that end with this process, also when a signal ends it.

import { spawn } from 'node:child_process';

const children = new Set();

process.on('exit', () => {
  for (const child of children) child.kill();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Same as `spawn` of `node:child_process`. */
export function start(program, flags, options) {
  const child = spawn(program, flags, options);
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}
