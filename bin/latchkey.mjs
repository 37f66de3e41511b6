#!/usr/bin/env node
// The `latchkey` command. Standard output belongs to the command itself: whatever is said here goes to standard error.
// This file must parse on Node 20.
import { fileURLToPath } from 'node:url'
import { nodeBinary } from './node-binary.mjs'
import { orExplain, run } from './on-node.mjs'

const binary = orExplain(() => nodeBinary())

if (binary !== process.execPath) {
  run(binary, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)])
} else {
  const { buildWhenStale } = await import('./build.mjs')
  if (!buildWhenStale()) process.exit(1)
  await import('../dist/src/cli/latchkey.js')
}
