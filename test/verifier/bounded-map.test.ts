import { expect, test } from '@jest/globals'
import { BoundedMap } from '../../src/verifier/bounded-map.ts'

const held = (map: BoundedMap<number>, keys: number) =>
  Array.from({ length: keys }, (_, key) => key).filter(key => map.get(String(key)) !== undefined)

test('never holds more than so many, and the newest half for sure', () => {
  const map = new BoundedMap<number>(10)
  for (let key = 0; key < 100; key++) {
    map.set(String(key), key)
    for (let newer = Math.max(0, key - 4); newer <= key; newer++) expect(map.get(String(newer))).toBe(newer)
  }
  expect(held(map, 100).length).toBeLessThanOrEqual(10)
})

test('what is asked for again and again stays', () => {
  const map = new BoundedMap<number>(10)
  map.set('hot', 1)
  for (let key = 0; key < 100; key++) {
    map.set(String(key), key)
    expect(map.get('hot')).toBe(1)
  }
})

test('the last value counts, and what is deleted does not come back', () => {
  const map = new BoundedMap<number>(4)
  map.set('a', 1)
  map.set('b', 1)
  map.set('c', 1)
  map.set('a', 2)
  expect(map.get('a')).toBe(2)
  map.deleteIf(value => value === 2)
  expect(map.get('a')).toBeUndefined()
})

test('none at all', () => {
  const map = new BoundedMap<number>(0)
  map.set('a', 1)
  expect(map.get('a')).toBeUndefined()
})
