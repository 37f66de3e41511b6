// The README's map against the house.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${root}/README.md`, 'utf8')

it('the map has every folder of src, and no other', () => {
  const [, map = ''] = /^src\/\n((?: {2}.*\n)*)/m.exec(readme) ?? []
  const drawn = [...map.matchAll(/^ {2}([\w-]+)\/ /gm)].map(([, name]) => name)
  const files = readdirSync(`${root}/src`, { recursive: true, withFileTypes: true }).filter(one =>
    one.isFile(),
  )
  const folders = new Set(files.map(file => relative(`${root}/src`, file.parentPath).split('/')[0] ?? ''))
  expect(drawn.sort()).toEqual([...folders].filter(Boolean).sort())
})

it('every link leads to a file', () => {
  const pages = [
    'README.md',
    'docs/conformance.md',
    'docs/request-flow.md',
    'docs/settings.md',
    'docs/forward-auth.md',
    'examples/forward-auth/README.md',
  ]
  const dead = pages.flatMap(page => {
    const links = [...readFileSync(`${root}/${page}`, 'utf8').matchAll(/\]\(([^)#:]+)\)/g)]
    const folder = new URL('.', `file://${root}/${page}`)
    return links
      .map(([, link = '']) => link)
      .filter(link => !existsSync(new URL(link, folder)))
      .map(link => `${page}: ${link}`)
  })
  expect(dead).toEqual([])
})
