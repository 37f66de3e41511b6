/**
 * Patterns by which secret scanners find the tokens of this server, in the words of each scanner. They use what all of
 * them know: no look-around, no back-references. A pattern cannot check the CRC at the end of a token: every format says
 * how it is done.
 */
import { formatMinted, type MintedFormatKind } from './minted-format.ts'

export const SCANNER_FORMATS = ['gitleaks', 'trufflehog', 'github', 'json'] as const
export type ScannerFormat = (typeof SCANNER_FORMATS)[number]

export interface ScannerRule {
  readonly id: string
  readonly name: string
  readonly kind: MintedFormatKind
  /** Without what stands around it. */
  readonly regex: string
  /** One of them is in every token. */
  readonly keywords: readonly string[]
  /** Of the right form, and opens nothing. */
  readonly example: string
}

export interface ScannerSettings {
  readonly issuer: string
  readonly tokenPrefixes: readonly string[]
}

const NAMES: Readonly<Record<MintedFormatKind, string>> = {
  key: 'API key',
  pat: 'personal access token',
}
/** Tokens of an environment that is no longer configured are worth finding as well. */
const ENVIRONMENTS = ['live', 'test']
const CHECKSUM =
  'The last six characters are a checksum: CRC-32 (as in zlib) of all characters before them, in base62 (0-9A-Za-z), ' +
  'big-endian. A match whose checksum is wrong is not a token.'

const oneOf = (words: readonly string[]) => (words.length === 1 ? words.join('') : `(?:${words.join('|')})`)

/** A rule for each kind; the prefixes of `TOKEN_PREFIX`, older ones too. */
export function scannerRules({ tokenPrefixes }: Pick<ScannerSettings, 'tokenPrefixes'>): ScannerRule[] {
  const [prefix = 'lk'] = tokenPrefixes
  return (Object.keys(NAMES) as MintedFormatKind[]).map(kind => ({
    id: `latchkey-${kind === 'key' ? 'api-key' : 'personal-access-token'}`,
    name: `Latchkey ${NAMES[kind]}`,
    kind,
    regex: `${oneOf(tokenPrefixes)}_${oneOf(ENVIRONMENTS)}_${kind}_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}`,
    keywords: tokenPrefixes.flatMap(one => ENVIRONMENTS.map(env => `${one}_${env}_${kind}_`)),
    example: formatMinted({ prefix, env: 'test', kind, id: '0'.repeat(16) }, Buffer.alloc(32)),
  }))
}

/** All rules as one text that ends with a newline. */
export function printScannerRules(format: ScannerFormat, settings: ScannerSettings): string {
  const rules = scannerRules(settings)
  const report = `${settings.issuer}/v1/leaks`
  const notes = [
    CHECKSUM,
    `Report what you find, without a credential: POST ${report} with { "token": "…" }.`,
  ]
  return PRINTERS[format](rules, notes, report)
}

type Printer = (rules: readonly ScannerRule[], notes: readonly string[], report: string) => string

const commented = (notes: readonly string[]) => notes.map(note => `# ${note}\n`).join('')
/** Not a part of something longer. */
const alone = ({ regex }: ScannerRule) => `\\b(${regex})\\b`

const PRINTERS: Readonly<Record<ScannerFormat, Printer>> = {
  gitleaks: (rules, notes) =>
    [
      `# gitleaks 8: gitleaks detect --config this-file.toml\n${commented(notes)}`,
      '[extend]\nuseDefault = true\n',
      ...rules.map(
        rule =>
          `[[rules]]\nid = "${rule.id}"\ndescription = "${rule.name}"\nregex = '''${alone(rule)}'''\n` +
          `keywords = [${rule.keywords.map(keyword => `"${keyword}"`).join(', ')}]\n`,
      ),
    ].join('\n'),

  trufflehog: (rules, notes) =>
    `# trufflehog 3: trufflehog git <repository> --config this-file.yaml --no-verification\n${commented(notes)}` +
    `detectors:\n${rules
      .map(
        rule =>
          `  - name: ${rule.name}\n    keywords:\n${rule.keywords.map(keyword => `      - ${keyword}\n`).join('')}` +
          `    regex:\n      token: '${alone(rule)}'\n`,
      )
      .join('')}`,

  github: (rules, notes) =>
    [
      `# GitHub: Settings, Advanced Security, Secret Protection, Custom patterns, New pattern; one for each of these.\n${commented(notes)}`,
      ...rules.map(
        rule =>
          `Pattern name: ${rule.name}\nSecret format: ${rule.regex}\nBefore secret: \\A|[^0-9A-Za-z_]\n` +
          `After secret: \\z|[^0-9A-Za-z_]\nTest string: ${rule.example}\n`,
      ),
    ].join('\n'),

  json: (rules, _notes, report) =>
    `${JSON.stringify({ rules: rules.map(rule => ({ ...rule, regex: alone(rule) })), checksum: CHECKSUM, report }, null, 2)}\n`,
}
