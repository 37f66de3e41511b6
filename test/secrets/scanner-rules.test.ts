// The patterns for secret scanners, as each scanner reads them, against tokens as they turn up in files, and against what
// only looks like one.
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parse as parseYaml } from 'yaml'
import { mint, parseMinted } from '../../src/secrets/minted-format.ts'
import { printScannerRules, type ScannerFormat, scannerRules } from '../../src/secrets/scanner-rules.ts'

const SETTINGS = { issuer: 'https://id.example.com', tokenPrefixes: ['acme2', 'lk'] }

interface Pattern {
  readonly name: string
  /** What the scanner calls the secret, in a text. */
  find(text: string): string[]
  readonly keywords: readonly string[]
}

/** The first group, else everything. Hits stand one after the other. */
const finder = (regex: string) => (text: string) =>
  [...text.matchAll(new RegExp(regex, 'g'))].map(([all, group]) => group ?? all)

const readers: Readonly<Record<ScannerFormat, (text: string) => Pattern[]>> = {
  gitleaks: text =>
    text
      .split('[[rules]]')
      .slice(1)
      .map(rule => ({
        name: /^description = "(.*)"$/m.exec(rule)?.[1] ?? '',
        find: finder(/^regex = '''(.*)'''$/m.exec(rule)?.[1] ?? '(?!)'),
        keywords: JSON.parse(/^keywords = (\[.*\])$/m.exec(rule)?.[1] ?? '[]') as string[],
      })),

  trufflehog(text) {
    const { detectors } = parseYaml(text) as {
      detectors: { name: string; keywords: string[]; regex: { token: string } }[]
    }
    return detectors.map(({ name, keywords, regex }) => ({ name, keywords, find: finder(regex.token) }))
  },

  github: text =>
    [
      ...text.matchAll(
        /^Pattern name: (.*)\nSecret format: (.*)\nBefore secret: (.*)\nAfter secret: (.*)\nTest string: (.*)$/gm,
      ),
    ].map(([, name = '', secret = '', before = '', after = '', example = '']) => {
      const inJavaScript = (part: string) => part.replace('\\A', '^').replace('\\z', '$')
      const find = (searched: string) =>
        [
          ...searched.matchAll(
            new RegExp(`(?:${inJavaScript(before)})(${secret})(?=${inJavaScript(after)})`, 'g'),
          ),
        ].map(([, group = '']) => group)
      expect(find(example)).toEqual([example])
      return { name, keywords: [], find }
    }),

  json: text => {
    const { rules } = JSON.parse(text) as { rules: { name: string; keywords: string[]; regex: string }[] }
    return rules.map(({ name, keywords, regex }) => ({ name, keywords, find: finder(regex) }))
  },
}

const surroundings = [
  (token: string) => token,
  (token: string) => `API_KEY=${token}\n`,
  (token: string) => `{"key":"${token}"}`,
  (token: string) => `curl -H 'Authorization: Bearer ${token}' https://x`,
  (token: string) => `https://x/?k=${token}&y=1`,
  (token: string) => `<code>${token}</code>`,
  (token: string) => `git push # ${token}.`,
]

const NAMES = { key: 'Latchkey API key', pat: 'Latchkey personal access token' } as const
const kind = fc.constantFrom('key' as const, 'pat' as const)
const parts = fc.record({
  prefix: fc.constantFrom(...SETTINGS.tokenPrefixes),
  env: fc.constantFrom('live', 'test'),
  kind,
})

describe.each(Object.entries(readers))('%s', (format, read) => {
  const patterns = read(printScannerRules(format as ScannerFormat, SETTINGS))
  const found = (text: string) =>
    patterns.flatMap(({ name, find }) => find(text).map(token => ({ name, token })))

  it('has a rule for each kind', () => {
    expect(patterns.map(({ name }) => name)).toEqual(Object.values(NAMES))
  })

  it('finds every token, by its rule, wherever it stands', () => {
    fc.assert(
      fc.property(parts, fc.constantFrom(...surroundings), (given, around) => {
        const { token } = mint(given)
        expect(found(around(token))).toEqual([{ name: NAMES[given.kind], token }])
        const { keywords = [] } = patterns.find(({ name }) => name === NAMES[given.kind]) ?? {}
        if (format !== 'github') expect(keywords.some(keyword => token.includes(keyword))).toBe(true)
      }),
    )
  })

  it('finds nothing in what only looks like one', () => {
    const { token } = mint({ prefix: 'lk', env: 'live', kind: 'key' })
    const [, , , id = '', rest = ''] = token.split('_')
    for (const near of [
      token.slice(0, -1),
      `${token}0`,
      `x${token}`,
      `${token}_more`,
      `my_${token}`,
      token.replace('lk_', 'kl_'),
      token.replace('_live_', '_prod_'),
      token.replace('_key_', '_sec_'),
      token.replace('_key_', '_KEY_'),
      `lk_live_key_${id.slice(1)}_${rest}`,
      `lk_live_key_${id}_${rest.slice(0, 20)}-${rest.slice(21)}`,
      `lk_live_key_${id}_\n${rest}`,
      token.toUpperCase(),
    ])
      expect([near, found(near)]).toEqual([near, []])
  })

  it('tells how to see that a match is mistyped, and where to report', () => {
    const text = printScannerRules(format as ScannerFormat, SETTINGS)
    expect(text).toContain('CRC-32')
    expect(text).toContain('https://id.example.com/v1/leaks')
    const { token } = mint({ prefix: 'lk', env: 'live', kind: 'key' })
    const mistyped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
    expect(found(mistyped)).toHaveLength(1)
    expect(parseMinted(mistyped)).toBe('malformed')
  })

  it('uses what every scanner knows', () => {
    // RE2 and Hyperscan have neither look-around nor back-references.
    const { rules } = JSON.parse(printScannerRules('json', SETTINGS)) as { rules: { regex: string }[] }
    for (const { regex } of rules) expect(regex).not.toMatch(/\(\?(?!:)|\\\d/)
  })
})

it('the examples have the form of a token and open nothing', () => {
  for (const { example, kind: of } of scannerRules(SETTINGS))
    expect(parseMinted(example)).toMatchObject({ kind: of, prefix: 'acme2', env: 'test' })
})
