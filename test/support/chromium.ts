// Which Chromium the tests drive: the one CHROMIUM_PATH names, one of this machine, or the one that npm installed.
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ChromiumBinary {
  readonly path: string
  /** What it needs in its environment beside our own. */
  readonly env: Readonly<Record<string, string>>
}

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** `CHROMIUM_PATH=npm` means the one that npm installed. @throws with the command to run when there is none */
export function findChromium(): ChromiumBinary {
  const wanted = process.env.CHROMIUM_PATH
  if (wanted && wanted !== 'npm') {
    if (isExecutable(wanted)) return { path: wanted, env: {} }
    throw new Error(`CHROMIUM_PATH names a file that cannot be run: ${wanted}. Correct it, or unset it.`)
  }
  const installed = wanted ? undefined : INSTALLED.find(isExecutable)
  return installed === undefined ? chromiumOfNpm() : { path: installed, env: {} }
}

const nothing = (cause?: unknown) =>
  new Error(
    'There is no browser for the tests. Run: npm ci --include=dev\n' +
      'Where that brings none, install Chromium (apt-get install chromium) or set CHROMIUM_PATH to one.',
    { cause },
  )

/** Built for x64 Linux with the few libraries it needs; unpacked once, for all later runs of the same user. */
function chromiumOfNpm(): ChromiumBinary {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw nothing()
  let version: string
  try {
    version = versionOf('@sparticuz/chromium')
  } catch (cause) {
    throw nothing(cause)
  }
  const user = process.getuid?.() ?? 0
  const directory = join(tmpdir(), `latchkey-chromium-${version}-${user}`)
  if (!existsSync(directory)) unpack(directory)
  const { uid, mode } = lstatSync(directory)
  if (uid !== user || (mode & 0o022) !== 0)
    throw new Error(`${directory} is not ours alone, so no browser is started from it. Remove it.`)
  return {
    path: join(directory, 'chromium'),
    env: {
      LD_LIBRARY_PATH: [join(directory, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH]
        .filter(Boolean)
        .join(':'),
      FONTCONFIG_FILE: join(directory, 'fonts.conf'),
    },
  }
}

/** The package has no `exports` for its package.json. */
function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const root = entry.slice(0, entry.lastIndexOf(name) + name.length)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return version
}

/** Whole or not at all: two workers may unpack at once. */
function unpack(directory: string): void {
  const own = mkdtempSync(`${directory}-`)
  try {
    // The package unpacks its libraries only where it believes to be on the system they are made for.
    const env = { ...process.env, TMPDIR: own, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' }
    const script = fileURLToPath(new URL('unpack-chromium.mjs', import.meta.url))
    execFileSync(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    writeFileSync(
      join(own, 'fonts.conf'),
      `<?xml version="1.0"?><fontconfig><dir>/usr/share/fonts</dir><dir>${directory}/fonts</dir>` +
        `<cachedir>${directory}/fonts-cache</cachedir></fontconfig>`,
    )
    renameSync(own, directory)
  } catch (error) {
    rmSync(own, { recursive: true, force: true })
    if (!existsSync(directory)) throw nothing(error)
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
