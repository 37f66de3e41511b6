// `npm test`: runs jest on a Node that can run Latchkey; arguments go to jest. This file must parse on Node 20.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CannotRun, nodeBinary } from './node-binary.mjs'
import { orExplain, run } from './on-node.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
// jest loads ES modules through node:vm, which Node still calls an experiment.
const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']

orExplain(() => {
  if (!existsSync(jest))
    throw new CannotRun('The test dependencies are not installed. Run: npm ci --include=dev')
  run(nodeBinary(), [...options, jest, ...process.argv.slice(2)])
})
