import type { z } from 'zod'
import { fieldErrorsOf, unknownKeyAmong, wording } from '../http/field-errors.ts'
import { validationFailed } from '../http/problem.ts'

/**
 * What a form says in the words of the JSON, judged by the JSON's own schema.
 * @throws Problem 400 `validation_failed` with every mistake and its path
 */
export function readInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = schema.safeParse(value, { error: wording })
  if (read.success) return read.data
  throw validationFailed(fieldErrorsOf(read.error, unknownKeyAmong([])))
}
