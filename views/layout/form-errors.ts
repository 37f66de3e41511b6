/** What the server found wrong with a form, by field name: a sentence, or the rest of one that the label begins. */
export type FormErrors = Partial<Record<string, string>>

/** The server completes the sentence that a name in the JSON begins; on a page the field's label begins it. */
export function sentence(label: string, message: string): string {
  const whole = /^[a-z]/.test(message) ? `${label} ${message}` : message
  return /[.!?]$/.test(whole) ? whole : `${whole}.`
}
