import { expect, test } from '@jest/globals'
import { relativeTime } from '../../views/layout/time.tsx'
import { en } from '../../views/messages/en.ts'

const now = new Date('2026-11-22T12:00:00Z')
const after = (seconds: number) => relativeTime(new Date(now.getTime() + seconds * 1000), now, en)
const DAY = 86_400

test.each([
  [0, 'just now'],
  [-9, 'just now'],
  [-45, '45 seconds ago'],
  [-119, '1 minute ago'],
  [-2 * DAY + 1, '1 day ago'],
  [-400 * DAY, '1 year ago'],
  [45, 'in 45 seconds'],
  [14 * DAY, 'in 14 days'],
  [14 * DAY - 1, 'in 14 days'],
  [13 * DAY + 1, 'in 13 days'],
])('%d seconds from now is %s', (seconds, words) => {
  expect(after(seconds)).toBe(words)
})
