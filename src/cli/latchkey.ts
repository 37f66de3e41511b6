/** The `latchkey` command. Its output is for people; logs go to standard error as JSON lines. */
import { parseArgs } from 'node:util'

const USAGE = `latchkey: one server for every way a caller proves who it is to an API

Usage
  latchkey start      start the server
  latchkey migrate    bring the database's schema to this version and end
  latchkey invite     print a link that lets one person sign up (with SIGN_UP=invite)
  latchkey scanner-rules
                      print patterns by which secret scanners find our keys and tokens
  latchkey signing-key list | rotate
                      the keys that sign tokens, of a server that runs

Options
  -h, --help          this text; with a command, more about that
  --json              print the result as JSON (all but start)
  --format <name>     of what scanner-rules prints
  --alg <name>, --emergency <kid>
                      what signing-key rotate rotates
  --version           print the version

Settings are environment variables: see docs/settings.md.
`

interface Options {
  readonly format?: string | undefined
  readonly alg?: string | undefined
  readonly emergency?: string | undefined
}

const OWN_OPTIONS = ['format', 'alg', 'emergency'] as const

interface Command {
  readonly help: string
  /** Options of its own. */
  readonly takes?: readonly (keyof Options)[]
  /** What can be done, the word after the command. */
  readonly actions?: readonly string[]
  readonly run: (action: string) => Promise<(json: boolean, options: Options) => Promise<void>>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: {
    help: `latchkey start

Starts the server. Without settings it listens on http://localhost:3000 and keeps everything under .latchkey/,
a real Postgres included. With DATABASE_URL it uses that one. It prints, one per line:

  issuer <url>     what clients are configured with
  admin <url>      a one-time link that makes the first administrator; absent when there is one
  data <path>      where secrets and the embedded database are
  try curl …       gets an access token for a demo client; not in production, not with LATCHKEY_CONFIG
  ready            from now on requests are answered

SIGTERM and SIGINT end it in order.
`,
    run: async () => (await import('../main.ts')).start,
  },
  migrate: {
    help: `latchkey migrate

Runs the migrations that the database lacks, in one transaction, and prints their names. "latchkey start" does the
same by itself. Uses DATABASE_URL, or the embedded database under DATA_DIR.
`,
    run: async () => (await import('../main.ts')).migrateDatabase,
  },
  invite: {
    help: `latchkey invite

Prints a link that lets one person create an account while SIGN_UP is "invite". It works once. Needs DATABASE_URL and
the server's other settings: the embedded database is in use while the server runs.
`,
    run: async () => (await import('../main.ts')).invite,
  },
  'scanner-rules': {
    help: `latchkey scanner-rules [--format gitleaks|trufflehog|github|json]

Prints patterns by which secret scanners find API keys and personal access tokens of this server: a configuration for
gitleaks (unless another format is named) or trufflehog, the fields of custom patterns at GitHub, or JSON. Uses
TOKEN_PREFIX and ISSUER; needs no database. See docs/leaks.md.
`,
    takes: ['format'],
    run: async () => (await import('../main.ts')).scannerRules,
  },
  'signing-key': {
    help: `latchkey signing-key list
latchkey signing-key rotate [--alg ES256|EdDSA|RS256]
latchkey signing-key rotate --emergency <kid>

Shows the keys that sign tokens, or lets the next one take over: as soon as it has been published for long enough, of one
algorithm or of all. With --emergency a key that others may have ends at once: what it signed is refused from now on.
Asks the server at LATCHKEY_URL with LATCHKEY_TOKEN, an API key, personal or access token with the scope
signing-keys:read or signing-keys:write. See docs/rotation.md.
`,
    takes: ['alg', 'emergency'],
    actions: ['list', 'rotate'],
    run: async action => {
      const { listKeys, rotateKeys } = await import('./signing-key.ts')
      return action === 'list' ? listKeys : rotateKeys
    },
  },
}

/** What the caller typed wrong, in one sentence. */
class UsageError extends Error {}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        format: { type: 'string' },
        alg: { type: 'string' },
        emergency: { type: 'string' },
        version: { type: 'boolean' },
      },
    })
  } catch (error) {
    // Node's first sentence says it; the rest is about arguments that look like options.
    throw new UsageError((error as Error).message.split('. ')[0])
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args)
  const [name, ...rest] = positionals
  if (values.version) {
    const { version } = await import('../version.ts')
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (name === undefined) {
    const stream = values.help ? process.stdout : process.stderr
    stream.write(USAGE)
    return values.help ? 0 : 2
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`There is no command "${name}"`)
  if (values.help) {
    process.stdout.write(command.help)
    return 0
  }
  const action = actionOf(name, command, rest)
  const taken = action === 'list' ? [] : (command.takes ?? [])
  const foreign = OWN_OPTIONS.find(option => values[option] !== undefined && !taken.includes(option))
  if (foreign)
    throw new UsageError(`"${['latchkey', name, action].join(' ').trim()}" has no option --${foreign}`)
  if (values.alg !== undefined && values.emergency !== undefined)
    throw new UsageError('A key that ends has its algorithm: leave out --alg')
  await (await command.run(action))(values.json ?? false, values)
  return 0
}

/** The word after the command, where there is one to choose. */
function actionOf(name: string, { actions }: Command, rest: readonly string[]): string {
  const [action = '', ...more] = actions ? rest : ['', ...rest]
  if (actions && !actions.includes(action))
    throw new UsageError(`"latchkey ${name}" needs one of: ${actions.join(', ')}`)
  if (more.length > 0)
    throw new UsageError(
      `"${['latchkey', name, action].join(' ').trim()}" takes no arguments: ${more.join(' ')}`,
    )
  return action
}

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code
  },
  (error: unknown) => {
    // Errors of the settings and of the declarative file are written to be read by people.
    const message = error instanceof Error ? error.message : String(error)
    const isUsage = error instanceof UsageError
    process.stderr.write(`latchkey: ${message}${isUsage ? '. See: latchkey --help' : ''}\n`)
    process.exit(isUsage ? 2 : 1)
  },
)
