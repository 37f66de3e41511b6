import { expect, test } from '@jest/globals'
import { createLog } from '../src/log.ts'

function logged(fields: object): Record<string, unknown> {
  const lines: string[] = []
  createLog('info', { write: line => void lines.push(line) }).info(fields, 'something')
  return JSON.parse(lines[0] ?? '')
}

test('an error is told with its code and causes, and without what hangs on it', () => {
  const error = Object.assign(new Error('the connection ended', { cause: new TypeError('a socket broke') }), {
    code: '57P01',
    severity: 'FATAL',
    client: { secretKey: 1580551172, password: 'never to be seen' },
    detail: 'Key (username)=(ada) already exists.',
  })
  const line = logged({ err: error })
  expect(line.err).toEqual({
    type: 'Error',
    message: 'the connection ended',
    stack: expect.stringContaining('log.test.ts'),
    error_code: '57P01',
    severity: 'FATAL',
    cause: { type: 'TypeError', message: 'a socket broke', stack: expect.any(String) },
  })
  expect(JSON.stringify(line)).not.toMatch(/1580551172|never to be seen|ada/)
})

test('a secret is redacted by its name', () => {
  const line = logged({ token: 'one', request: { authorization: 'two', nested: { refresh_token: 'three' } } })
  expect(JSON.stringify(line)).not.toMatch(/one|two|three/)
})
