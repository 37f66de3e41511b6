// `npm run docs` prints docs/settings.md and .env.example from the table in src/settings.ts; with --check it only says
// which of them is stale. This file must parse on Node 20.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWhenStale } from './build.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
if (!buildWhenStale()) process.exit(1)
const { SETTINGS } = await import('../dist/src/settings.js')

const settings = Object.entries(SETTINGS)
const isCheck = process.argv.includes('--check')
for (const [file, text] of [
  ['docs/settings.md', settingsPage()],
  ['.env.example', environmentExample()],
]) {
  const path = join(root, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (!isCheck) writeFileSync(path, text)
  process.stdout.write(isCheck ? `${file} is stale. Run: npm run docs\n` : `${file} written\n`)
  if (isCheck) process.exitCode = 1
}

function settingsPage() {
  const rows = settings.map(
    ([name, { shown, meaning, example }]) =>
      `| \`${name}\` | ${shown} | ${meaning}${example === undefined ? '' : ` Example: \`${example}\``} |`,
  )
  return `# Settings

<!-- Printed from the table in src/settings.ts by \`npm run docs\`. -->

Settings are environment variables; an empty one counts as unset. Lists are separated by commas, durations are written
\`30s\`, \`15m\`, \`24h\`, \`90d\`. Everything that is wrong is reported at once, and then nothing is started.
[.env.example](../.env.example) has all of them to copy.

| Setting | Default | Meaning |
|---|---|---|
${rows.join('\n')}

With \`NODE_ENV=production\` Latchkey does not start on a development default, and names each one it found:

- \`LATCHKEY_SECRETS\` must be set: production does not make its own secrets.
- \`ISSUER\` must be https, unless it is a loopback address.
- \`DATABASE_URL\` must be set, unless \`ALLOW_EMBEDDED_POSTGRES=true\`.
`
}

function environmentExample() {
  const entries = settings.map(([name, setting]) =>
    [...wrapped(`${setting.meaning} Default: ${setting.shown}.`), `#${name}=${quoted(sample(setting))}`].join(
      '\n',
    ),
  )
  return `# Every setting of Latchkey, with its default or an example. Printed from the table in src/settings.ts by: npm run docs
#
# Latchkey reads the environment, not this file. Copy it to .env, fill it in and load it, for instance with
# "node --env-file=.env bin/latchkey.mjs start", a systemd EnvironmentFile or the env_file of a compose file.

# Production refuses to start on a development default: docs/settings.md says which.
#NODE_ENV=production

${entries.join('\n\n')}
`
}

/** The default where it is a value that can be written down. */
function sample({ example, shown, parse }) {
  if (example !== undefined) return example
  try {
    parse(shown)
    return shown
  } catch {
    return ''
  }
}

/** Unquoted, what follows a number sign may be taken for a comment. */
function quoted(value) {
  return value.includes('#') ? `"${value}"` : value
}

function wrapped(text) {
  const lines = ['#']
  for (const word of text.split(' ')) {
    const last = lines.length - 1
    if (`${lines[last]} ${word}`.length > 110) lines.push(`# ${word}`)
    else lines[last] += ` ${word}`
  }
  return lines
}
