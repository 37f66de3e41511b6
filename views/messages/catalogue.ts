/**
 * One catalogue of words per language. To add a language: write `messages/<locale>.ts` as a `Messages`,
 * and add it here. A component never holds a sentence of its own; it asks `usePage().messages`.
 */
import { en } from './en.ts'

export type Messages = typeof en

const catalogues = { en } satisfies Record<string, Messages>

export type Locale = keyof typeof catalogues

export function messagesFor(locale: Locale): Messages {
  return catalogues[locale]
}
