/** YAML 1.2 (and so JSON) into plain values, with every mistake of form: syntax, duplicate keys, tags, text no database holds. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { formatPath, type Path } from '../http/field-errors.ts'
import type { Mistake } from './file-mistakes.ts'

const MAX_ALIASES = 100
const MAX_DEPTH = 20

/** `value` is undefined when the text has no structure to speak of; then the mistakes say why. */
export function parseYaml(text: string): { value: unknown; mistakes: Mistake[] } {
  try {
    return parse(text)
  } catch (error) {
    // Too many aliases, or nested so deeply that the parser's stack ended. The message quotes nothing of the file.
    const message =
      error instanceof RangeError ? 'is nested too deeply' : 'uses too many aliases (*name), or a broken one'
    return { value: undefined, mistakes: [{ path: '', message }] }
  }
}

function parse(text: string): { value: unknown; mistakes: Mistake[] } {
  if (isTooDeep(text)) throw new RangeError('nested too deeply')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: false, // found below, with their paths
    logLevel: 'error', // the library warns on standard error, we report
    prettyErrors: false, // they quote the file, and the file has secrets
    lineCounter,
  })
  const broken: YAMLError[] = [...document.errors, ...document.warnings]
  if (broken.length > 0)
    return { value: undefined, mistakes: broken.map(error => syntaxMistake(error, lineCounter)) }
  const mistakes: Mistake[] = []
  inspect(document.contents, [], mistakes)
  return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), mistakes }
}

/** Before the parser sees it: it calls itself for every level, and a stack that ends can end the process. */
function isTooDeep(text: string): boolean {
  let brackets = 0
  let indicators = 0
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets++
    else if (token === ']' || token === '}') brackets--
    else if (token === '-' || token === '?' || token === ':') indicators++
    else if (token === '\n' || token === '\r\n' || token === ',') indicators = 0
    if (brackets > MAX_DEPTH || indicators > MAX_DEPTH) return true
  }
  return false
}

function syntaxMistake(error: YAMLError, lineCounter: LineCounter): Mistake {
  const { line, col } = lineCounter.linePos(error.pos[0])
  const reason = error.code === 'TAG_RESOLVE_FAILED' ? 'tags (!name) are not supported' : SYNTAX[error.code]
  return { path: `line ${line}, column ${col}`, message: reason ?? 'is not valid YAML' }
}

/** The library's own sentences may quote the file. */
const SYNTAX: Partial<Record<string, string>> = {
  BAD_INDENT: 'is not indented like the lines around it',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  MISSING_CHAR: 'lacks a character here, such as a quote, a comma, a colon or a closing bracket',
  MULTIPLE_DOCS: 'begins a second document: the file must hold one',
  BAD_DQ_ESCAPE: 'has an unknown escape in double quotes',
  BAD_ALIAS: 'has an alias that cannot be used',
  DUPLICATE_KEY: 'has this key twice',
  KEY_OVER_1024_CHARS: 'has a key of more than 1024 characters',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  UNEXPECTED_TOKEN: 'is not expected here',
}

/** Aliases are not followed: what they stand for is inspected where it is written. */
function inspect(node: Node | ParsedNode | null, path: Path, mistakes: Mistake[]): void {
  if (node === null || isAlias(node)) return
  if (path.length > MAX_DEPTH) throw new RangeError('nested too deeply')
  if (isScalar(node) && typeof node.value === 'string') {
    if (!isStorable(node.value))
      mistakes.push({ path: formatPath(path), message: 'must not have U+0000 or half a surrogate pair' })
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) inspect(item as Node, [...path, index], mistakes)
  } else if (isMap(node)) {
    inspectMap(node, path, mistakes)
  }
}

function inspectMap(map: YAMLMap, path: Path, mistakes: Mistake[]): void {
  const seen = new Set<string>()
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : undefined
    if (name === undefined) {
      mistakes.push({ path: formatPath(path), message: 'has a key that is not text' })
      continue
    }
    const at = [...path, name]
    if (seen.has(name)) mistakes.push({ path: formatPath(at), message: 'is there twice: keep one' })
    else if (!isStorable(name) || name === '__proto__')
      mistakes.push({ path: formatPath(path), message: 'has a key that cannot be used' })
    seen.add(name)
    inspect(value as Node | null, at, mistakes)
  }
}

const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0')
