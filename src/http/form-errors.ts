/**
 * What a page shows at the fields of a form that was refused. The functions behind the JSON API say what is wrong by the
 * path in the JSON (`redirect_uris[1]`, `scopes["https://…"][0]`); a form has one field for all of a list.
 */
import { Problem } from './problem.ts'

/** By field name: whole sentences, or the rest of one that the field's label begins. */
export type FormErrors = Record<string, string>

export interface FormPaths {
  /** Which field of the form a key of the JSON is, where they differ. */
  readonly fields?: Readonly<Record<string, string>>
  /** The texts of a list's field, to name the one that is wrong. */
  readonly items?: Readonly<Record<string, readonly string[]>>
  /** Fields whose JSON is an object by names that people typed. */
  readonly named?: readonly string[]
}

/** @throws the error itself unless it says which values are wrong */
export function formErrorsOf(
  error: unknown,
  { fields = {}, items = {}, named = [] }: FormPaths = {},
): FormErrors {
  if (!(error instanceof Problem) || !error.errors) throw error
  const found: FormErrors = {}
  for (const { path, message } of error.errors) {
    const keys = path.split(/[.[]/)
    const field = fields[keys.slice(0, 2).join('.')] ?? fields[keys[0] ?? ''] ?? keys[0] ?? ''
    const text = named.includes(field)
      ? aboutName(path, message)
      : aboutItem(path, message, items[field] ?? [])
    found[field] = found[field] === undefined ? text : `${whole(found[field])} ${text}`
  }
  return found
}

/** One of several is named by what was typed, as people do not count lines. */
function aboutItem(path: string, message: string, list: readonly string[]): string {
  const index = /\[(\d+)\](?:\.\w+)?$/.exec(path)?.[1]
  const item = index === undefined ? undefined : list[Number(index)]
  return item === undefined ? message : whole(`“${shortened(item)}” ${message}`)
}

/** `scopes["read:orders"].description`: by the name that was typed. */
function aboutName(path: string, message: string): string {
  const [, dotted, quoted, part] = /^\w+(?:\.(\w+)|\[("(?:[^"\\]|\\.)*")\])(?:\.(\w+))?$/.exec(path) ?? []
  const name = quoted === undefined ? dotted : String(JSON.parse(quoted))
  if (name === undefined) return message
  const subject = part === undefined ? `“${shortened(name)}”` : `The ${part} of “${shortened(name)}”`
  return whole(`${subject} ${message}`)
}

const whole = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)
const shortened = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** The lines of a text field that have something in them. */
export const linesOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(/\r\n|\r|\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
