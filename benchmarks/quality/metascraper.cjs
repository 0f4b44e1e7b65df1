// What metascraper reads: node metascraper.cjs FOLDER, with node_modules beside FOLDER. Writes metascraper.json.
const fs = require('fs')
const path = require('path')
const folder = process.argv[2]
const rules = ['author', 'date', 'description', 'image', 'lang', 'publisher', 'title', 'url']
const scrape = require('metascraper')(rules.map(rule => require('metascraper-' + rule)()))

async function main () {
  const pages = JSON.parse(fs.readFileSync(path.join(folder, 'manifest.json')))
  const found = []
  for (const page of pages) {
    const html = fs.readFileSync(path.join(folder, page.path), 'utf8')
    found.push(await scrape({ html, url: page.url, validateUrl: false }).catch(() => ({})))
  }
  fs.writeFileSync(path.join(folder, 'metascraper.json'), JSON.stringify(found))
}

main()
