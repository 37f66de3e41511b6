// Compiles the checkout into dist/. `npm run build` always does; the `latchkey` command only when a source has changed.
// This file must parse on Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)
const root = dirname(dirname(here))
const dist = join(root, 'dist')
const stamp = join(dist, '.built')
const lock = join(dist, '.building')
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

const FOLDERS = ['src', 'views', 'migrations', 'bench']
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']

/** True when dist/ holds what the sources say. A release that ships dist/ without src/ is never stale. */
export function buildWhenStale() {
  if (!existsSync(join(root, 'src')) || isCurrent()) return true
  return locked(() => isCurrent() || build())
}

function build() {
  if (!existsSync(tsc)) return fail('The dependencies are not installed. Run: npm ci')
  const sources = fingerprint() // before compiling: an edit during the build makes it stale again
  const result = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
    stdio: ['ignore', 2, 2],
  })
  if (result.error) return fail(`Cannot run the TypeScript compiler: ${result.error.message}`)
  if (result.status !== 0) return fail('The sources do not compile: see above.')
  for (const folder of FOLDERS) {
    copyOthers(folder)
    removeOrphans(folder)
  }
  writeFileSync(stamp, sources)
  return true
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  return false
}

function isCurrent() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()
}

function fingerprint() {
  const hash = createHash('sha256')
  for (const file of [...SETTINGS, ...FOLDERS.flatMap(filesBelow)]) {
    const { mtimeMs, size } = statSync(join(root, file))
    hash.update(`${file}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex')
}

function filesBelow(folder) {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
    )
}

// Style sheets and browser modules lie beside what was compiled, as they lie beside its source.
function copyOthers(folder) {
  for (const file of filesBelow(folder).filter(file => !/\.[cm]?tsx?$/.test(file))) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    copyFileSync(join(root, file), join(dist, file))
  }
}

// The compiler leaves the output of a source that is gone, and a migration that is gone must not run.
function removeOrphans(folder) {
  for (const file of filesBelow(join('dist', folder))) {
    const source = relative('dist', file)
    const compiled = /^(.*)\.(?:js(?:\.map)?|d\.ts)$/.exec(source)
    const candidates = compiled ? ['.ts', '.tsx'].map(ending => compiled[1] + ending) : []
    if (![source, ...candidates].some(path => existsSync(join(root, path)))) rmSync(join(root, file))
  }
}

// Two commands may start at once after an edit. A symbolic link is created whole or not at all, and can say who made it.
function locked(work) {
  mkdirSync(dist, { recursive: true })
  while (!take()) {
    if (!isRunning(holder())) rmSync(lock, { force: true })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  }
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function take() {
  try {
    symlinkSync(String(process.pid), lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function holder() {
  try {
    return Number(readlinkSync(lock))
  } catch (error) {
    if (error.code === 'ENOENT') return 0
    throw error
  }
}

function isRunning(pid) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

if (realpathSync(process.argv[1]) === here) {
  process.exitCode = locked(build) ? 0 : 1
}
