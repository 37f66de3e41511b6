/** The form that rotates a secret: `grace_seconds` is a number of seconds, or `immediately`. */
import type { Form } from '../http/forms.ts'
import { invalidRequest } from '../http/problem.ts'

/** In seconds; the first is the usual one. */
export const USUAL_GRACES = [86_400, 7 * 86_400, 3600, 0]

/** @throws Problem 400 for what the page does not offer */
export function rotationOf(form: Form): { graceSeconds: number } | { immediately: true } {
  const choice = form.get('grace_seconds') ?? String(USUAL_GRACES[0])
  if (choice === 'immediately') return { immediately: true }
  if (/^\d{1,8}$/.test(choice)) return { graceSeconds: Number(choice) }
  throw invalidRequest('Say when the old secret stops working.')
}
