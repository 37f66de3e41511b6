/** The fields of a form that makes an account: read and checked all at once. */
import {
  emailMistake,
  nameMistake,
  normalizeEmail,
  normalizeName,
  normalizeUsername,
  usernameMistake,
} from '../accounts/account-fields.ts'
import type { Form } from '../http/forms.ts'
import { validationFailed } from '../http/problem.ts'
import { passwordMistake } from './password-rules.ts'

export interface NewAccountFields {
  readonly username: string
  readonly name: string
  readonly email: string
  readonly password: string
}

/** What the form shows again after a refusal: as typed, never the password. */
export function typedFields(form: Form): { username: string; name: string; email: string } {
  return {
    username: form.get('username') ?? '',
    name: form.get('name') ?? '',
    email: form.get('email') ?? '',
  }
}

/** @throws Problem 400 `validation_failed` with one error per wrong field */
export function parseNewAccount(form: Form): NewAccountFields {
  const typed = typedFields(form)
  const username = normalizeUsername(typed.username)
  const name = normalizeName(typed.name)
  const email = normalizeEmail(typed.email)
  const password = form.get('password') ?? ''
  const errors = Object.entries({
    name: nameMistake(name),
    username: usernameMistake(username),
    email: emailMistake(email),
    password: passwordMistake(password, { username, email }),
  }).flatMap(([path, message]) => (message === undefined ? [] : [{ path, message }]))
  if (errors.length > 0) throw validationFailed(errors)
  return { username, name, email, password }
}
