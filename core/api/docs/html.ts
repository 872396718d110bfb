/** The page that shows the document of the API to people. */
export const DOCS_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>anyhub REST API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/page.css">
<script type="module" src="/docs/page.js"></script>
</head>
<body>
<header>
<h1>anyhub REST API</h1>
<p id="about">Reading <a href="/openapi.json">/openapi.json</a> …</p>
<form id="tools">
<label>Find <input id="find" type="search" placeholder="device, shadow, POST …" autocomplete="off"></label>
<label>Token <input id="token" type="password" placeholder="only for “Try it”; kept in this page" autocomplete="off"></label>
</form>
</header>
<div id="frame">
<nav id="tags" aria-label="Tags"></nav>
<main id="operations"><noscript>This page needs JavaScript; the document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript></main>
</div>
</body>
</html>
`
