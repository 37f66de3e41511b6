/**
 * Scopes and resources that a client or a role refers to must be there. `known` is what there is, or what whoever writes
 * may know of: what it must not see looks like what does not exist.
 */
import { formatPath, type Path, repeatedTexts } from '../http/field-errors.ts'
import type { FieldError } from '../http/problem.ts'
import { suggest } from '../http/suggest.ts'
import { keysOf, placedTextsOf, recordOf } from '../http/unknown-value.ts'

/** Scope names by resource identifier. */
export type KnownScopes = ReadonlyMap<string, ReadonlySet<string>>

export function unknownName(what: string, name: string, known: Iterable<string>): string {
  const near = suggest(name, known)
  return `names the ${what} ${JSON.stringify(name)}, which does not exist${near ? `: did you mean ${near}?` : ''}`
}

/** @param scopes lists of scope names by resource identifier */
export function scopeMistakes(scopes: unknown, at: Path, known: KnownScopes): FieldError[] {
  return keysOf(scopes).flatMap(identifier => {
    const path = [...at, identifier]
    const ofResource = known.get(identifier)
    if (!ofResource) return [mistake(path, unknownName('resource', identifier, known.keys()))]
    const names = recordOf(scopes)?.[identifier]
    const missing = placedTextsOf(names).filter(({ text }) => !ofResource.has(text))
    return [
      ...missing.map(({ index, text }) => mistake([...path, index], unknownName('scope', text, ofResource))),
      ...repeatedTexts(names, path),
    ]
  })
}

/** @param introspect identifiers of resources */
export function introspectMistakes(introspect: unknown, at: Path, known: KnownScopes): FieldError[] {
  const missing = placedTextsOf(introspect).filter(({ text }) => !known.has(text))
  return [
    ...missing.map(({ index, text }) => mistake([...at, index], unknownName('resource', text, known.keys()))),
    ...repeatedTexts(introspect, at),
  ]
}

const mistake = (at: Path, message: string): FieldError => ({ path: formatPath(at), message })
