// `npm run bench`: builds what is stale and runs bench/run.ts; arguments choose workloads by words in their names.
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
  await import('../dist/bench/run.js')
}
