/** Texts in schemas: a rule of a room says in words what is wrong with one. */
import { z } from 'zod'

/** @param mistakeOf completes the sentence that the path begins; undefined: fine */
export const textThat = (mistakeOf: (text: string) => string | undefined) =>
  z.string().superRefine((value, ctx) => {
    const message = mistakeOf(value)
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
  })

export const matching = (pattern: RegExp, message: string) =>
  textThat(text => (pattern.test(text) ? undefined : message))

export const webUrl = textThat(text => {
  const url = URL.parse(text)
  return /^https?:\/\/[!-~]+$/.test(text) && url && url.username === '' && text.length <= 2000
    ? undefined
    : 'must be an https or http URL'
})
