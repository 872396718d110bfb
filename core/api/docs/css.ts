/** How the page of the document looks, in light and dark. */
export const DOCS_CSS = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1a2230, #e6eaf2);
  --soft: light-dark(#556074, #a3aec2);
  --paper: light-dark(#ffffff, #10151f);
  --card: light-dark(#f6f8fb, #181f2c);
  --line: light-dark(#dbe1ea, #2b3547);
  --link: light-dark(#0b5cad, #7cb8ff);
  --get: light-dark(#0b6b3a, #6fd6a0);
  --post: light-dark(#0b5cad, #7cb8ff);
  --put: light-dark(#8a5a00, #f0c060);
  --delete: light-dark(#b3261e, #ff9d94);
}
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
header { padding: 1.25rem clamp(1rem, 4vw, 3rem); border-bottom: 1px solid var(--line) }
h1 { margin: 0; font-size: 1.4rem }
header p { margin: .25rem 0 .75rem; color: var(--soft) }
a { color: var(--link) }
form#tools { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem }
label { display: flex; gap: .5rem; align-items: center; color: var(--soft) }
input { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .6rem; min-width: min(18rem, 60vw) }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
#frame { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 2rem; padding: 1.25rem clamp(1rem, 4vw, 3rem) }
nav { position: sticky; top: 1rem; align-self: start; display: flex; flex-direction: column; gap: .25rem }
nav a { text-decoration: none; padding: .15rem .5rem; border-radius: 6px }
nav a:hover { background: var(--card) }
h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem }
h2:first-child { margin-top: 0 }
details.operation { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; background: var(--card) }
summary { cursor: pointer; padding: .55rem .8rem; display: flex; flex-wrap: wrap; gap: .2rem .75rem; align-items: baseline }
.method { font: 600 .8rem ui-monospace, monospace; min-width: 4.5ch; text-transform: uppercase }
.get { color: var(--get) } .post { color: var(--post) } .put, .patch { color: var(--put) } .delete { color: var(--delete) }
code, pre { font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace }
code { overflow-wrap: anywhere }
.what { color: var(--soft); flex: 1 1 14rem }
.inside { padding: 0 .8rem .8rem; border-top: 1px solid var(--line) }
.inside h3 { font-size: .95rem; margin: .9rem 0 .3rem }
.needs { color: var(--soft); margin: .6rem 0 0 }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow: auto; max-height: 26rem; margin: .3rem 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; vertical-align: top; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--soft); font-size: .875rem }
td input { min-width: 10rem }
button { font: inherit; padding: .35rem .9rem; border-radius: 6px; border: 1px solid var(--link); background: var(--link); color: var(--paper); cursor: pointer; margin-top: .6rem }
[hidden] { display: none !important }
@media (max-width: 44rem) {
  #frame { grid-template-columns: minmax(0, 1fr); gap: 1rem }
  nav { position: static; flex-direction: row; flex-wrap: wrap }
}
`
