/**
 * JSON, strictly: bounded depth and number of keys, no key twice in one object (RFC 8259 4: readers disagree on
 * which one counts), no `__proto__`, no U+0000 and no lone surrogate in any string.
 */
import { invalidRequest } from './problem.ts'

export interface JsonLimits {
  readonly depth: number
  readonly keys: number
}

export const JSON_LIMITS: JsonLimits = { depth: 16, keys: 1000 }

/** @throws Problem 400 with what is wrong */
export function parseJson(text: string, limits: JsonLimits = JSON_LIMITS): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidRequest('The body is not valid JSON.')
  }
  checkShape(text, limits)
  return value
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g

/** Walks the tokens of a text that is already known to be JSON. */
function checkShape(text: string, limits: JsonLimits): void {
  /** One entry per open bracket: the keys seen so far of an object, undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let isKey = false
  let keys = 0
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      if (open.push(token === '{' ? new Set() : undefined) > limits.depth)
        throw invalidRequest(`The body is nested deeper than ${limits.depth} levels.`)
      isKey = token === '{'
    } else if (token === '}' || token === ']') {
      open.pop()
      isKey = false
    } else if (token === ',') isKey = open.at(-1) !== undefined
    else if (token === ':') isKey = false
    else {
      const string = checkedString(token)
      if (!isKey) continue
      keys += 1
      if (keys > limits.keys) throw invalidRequest(`The body has more than ${limits.keys} keys.`)
      checkKey(string, open.at(-1))
    }
  }
}

function checkedString(token: string): string {
  const string: unknown = JSON.parse(token)
  if (typeof string !== 'string' || !string.isWellFormed() || string.includes('\0'))
    throw invalidRequest('The body has a string with U+0000 or a lone surrogate.')
  return string
}

function checkKey(key: string, seen: Set<string> | undefined): void {
  if (key === '__proto__') throw invalidRequest('The body has the key __proto__.')
  if (seen?.has(key)) throw invalidRequest('The body has a key twice in one object.')
  seen?.add(key)
}
