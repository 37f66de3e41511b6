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

const isPage = ({ name }: { name: string }) => name.endsWith('.md')
const pages = ['docs', 'examples', 'src'].flatMap(folder =>
  readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true })
    .filter(isPage)
    .map(file => relative(root, `${file.parentPath}/${file.name}`)),
)

/** Of a page: the files that it leads to, from the root. */
const linksOf = (page: string) =>
  [...readFileSync(`${root}/${page}`, 'utf8').matchAll(/\]\(([^)#:]+)[^):]*\)/g)].map(([, link = '']) =>
    relative(root, fileURLToPath(new URL(link, `file://${root}/${page}`))),
  )

it('every link leads to a file', () => {
  const dead = ['README.md', ...pages].flatMap(page =>
    linksOf(page)
      .filter(link => !existsSync(`${root}/${link}`))
      .map(link => `${page}: ${link}`),
  )
  expect(dead).toEqual([])
})

it('every page is found from the README, decisions by their folder', () => {
  const found = new Set(['README.md'])
  for (const page of found) for (const link of linksOf(page)) if (link.endsWith('.md')) found.add(link)
  expect(pages.filter(page => !page.startsWith('docs/decisions/') && !found.has(page))).toEqual([])
})

it('every decision has a number of its own', () => {
  const numbers = pages.flatMap(page => /^docs\/decisions\/(\d{4})-/.exec(page)?.slice(1) ?? [])
  expect(numbers.length).toBeGreaterThan(30)
  expect(new Set(numbers).size).toBe(numbers.length)
})
